trigger DiscountRequestTrigger on Discount_Request__c (before insert, before update) {
    DiscountRequestHandler.route(Trigger.new);
}
