import { LightningElement, api, wire } from 'lwc';
import { getFieldValue, getRecord } from 'lightning/uiRecordApi';
import APPROVED_DISCOUNT from '@salesforce/schema/Opportunity.Approved_Discount__c';

export default class DiscountBadge extends LightningElement {
    @api recordId;

    @wire(getRecord, { recordId: '$recordId', fields: [APPROVED_DISCOUNT] })
    opportunity;

    get rate() {
        return getFieldValue(this.opportunity.data, APPROVED_DISCOUNT);
    }

    get hasDiscount() {
        return this.rate > 0;
    }
}
