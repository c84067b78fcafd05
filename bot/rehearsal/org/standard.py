"""The objects that every org has."""

from __future__ import annotations

STANDARD_OBJECTS = frozenset(
    [
        "Account",
        "AccountContactRole",
        "AccountTeamMember",
        "Activity",
        "Asset",
        "AssetRelationship",
        "AssignedResource",
        "BusinessHours",
        "Campaign",
        "CampaignMember",
        "Case",
        "CaseComment",
        "CaseContactRole",
        "Contact",
        "ContentDocument",
        "ContentVersion",
        "Contract",
        "Entitlement",
        "Event",
        "Goal",
        "Idea",
        "Individual",
        "Knowledge__kav",
        "Lead",
        "LiveChatTranscript",
        "Location",
        "Macro",
        "MessagingSession",
        "Opportunity",
        "OpportunityContactRole",
        "OpportunityLineItem",
        "OpportunityTeamMember",
        "Order",
        "OrderItem",
        "PersonAccount",
        "Pricebook2",
        "PricebookEntry",
        "Product2",
        "Profile",
        "Quote",
        "QuoteLineItem",
        "Scorecard",
        "ServiceAppointment",
        "ServiceContract",
        "ServiceResource",
        "ServiceTerritory",
        "Site",
        "SocialPersona",
        "Solution",
        "Task",
        "User",
        "UserRole",
        "WorkOrder",
        "WorkOrderLineItem",
    ]
)

_LOWER = frozenset(name.lower() for name in STANDARD_OBJECTS)
_SET_UP_BY_ADMINISTRATORS = frozenset({"profile", "user", "userrole", "site", "businesshours"})


def holds_business_data(name: str) -> bool:
    """Whether an object is empty in a test until the test saves something; unlike users, profiles or async jobs."""
    low = name.lower()
    return low.endswith("__c") or (low in _LOWER and low not in _SET_UP_BY_ADMINISTRATORS)
