import { LightningElement, api } from 'lwc';
import TIER from '@salesforce/schema/Account.Tier__c';

export default class VisitSummary extends LightningElement {
    @api recordId;
    tierField = TIER;
}
