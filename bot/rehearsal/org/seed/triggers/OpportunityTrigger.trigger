trigger OpportunityTrigger on Opportunity (before insert, before update) {
    OpportunityService.applyDefaults(Trigger.new);
}
