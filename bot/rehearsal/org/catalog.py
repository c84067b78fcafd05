"""The metadata types this org knows: where their files lie, what they are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True)
class Part:
    """A child type kept inside its parent's file: the element that holds it, the name of its key element."""

    type: str
    element: str
    key: str = "fullName"


@dataclass(frozen=True)
class MetadataType:
    """One row of describeMetadata, plus what a record of this type is called elsewhere."""

    name: str
    directory: str
    suffix: str = ""
    meta: bool = False  # content file with a -meta.xml beside it
    in_folder: bool = False
    bundle: bool = False  # a directory per component
    parts: tuple[Part, ...] = field(default=())
    prefix: str = "0DM"  # first three characters of its ids
    words: str = ""  # as the platform says it in sentences
    root: str = ""  # root element when it differs from the type's name

    @property
    def root_name(self) -> str:
        """Name of the root element of its XML file."""
        return self.root or self.name

    @property
    def said(self) -> str:
        """The type's name in a sentence, e.g. "Apex Class"."""
        return self.words or self.name


_OBJECT_PARTS = (
    Part("BusinessProcess", "businessProcesses"),
    Part("CompactLayout", "compactLayouts"),
    Part("CustomField", "fields"),
    Part("FieldSet", "fieldSets"),
    Part("Index", "indexes"),
    Part("ListView", "listViews"),
    Part("RecordType", "recordTypes"),
    Part("SharingReason", "sharingReasons"),
    Part("ValidationRule", "validationRules"),
    Part("WebLink", "webLinks"),
)
_WORKFLOW_PARTS = (
    Part("WorkflowAlert", "alerts"),
    Part("WorkflowFieldUpdate", "fieldUpdates"),
    Part("WorkflowKnowledgePublish", "knowledgePublishes"),
    Part("WorkflowOutboundMessage", "outboundMessages"),
    Part("WorkflowRule", "rules"),
    Part("WorkflowTask", "tasks"),
)
_SHARING_PARTS = (
    Part("SharingCriteriaRule", "sharingCriteriaRules"),
    Part("SharingGuestRule", "sharingGuestRules"),
    Part("SharingOwnerRule", "sharingOwnerRules"),
)

_RICH = (
    MetadataType("ApexClass", "classes", "cls", meta=True, prefix="01p", words="Apex Class"),
    MetadataType("ApexTrigger", "triggers", "trigger", meta=True, prefix="01q", words="Apex Trigger"),
    MetadataType("ApexPage", "pages", "page", meta=True, prefix="066", words="Visualforce Page"),
    MetadataType("ApexComponent", "components", "component", meta=True, prefix="099", words="Visualforce Component"),
    MetadataType(
        "AssignmentRules", "assignmentRules", "assignmentRules", parts=(Part("AssignmentRule", "assignmentRule"),)
    ),
    MetadataType("AuraDefinitionBundle", "aura", bundle=True, prefix="0Ab", words="Aura Component"),
    MetadataType(
        "AutoResponseRules",
        "autoResponseRules",
        "autoResponseRules",
        parts=(Part("AutoResponseRule", "autoResponseRule"),),
    ),
    MetadataType("CustomLabels", "labels", "labels", parts=(Part("CustomLabel", "labels"),), prefix="101"),
    MetadataType("CustomObject", "objects", "object", parts=_OBJECT_PARTS, prefix="01I", words="Custom Object"),
    MetadataType("Dashboard", "dashboards", "dashboard", in_folder=True, prefix="01Z"),
    MetadataType("Document", "documents", "", meta=True, in_folder=True, prefix="015"),
    MetadataType("EmailTemplate", "email", "email", meta=True, in_folder=True, prefix="00X", words="Email Template"),
    MetadataType(
        "EscalationRules", "escalationRules", "escalationRules", parts=(Part("EscalationRule", "escalationRule"),)
    ),
    MetadataType("Flow", "flows", "flow", prefix="301"),
    MetadataType("FlowDefinition", "flowDefinitions", "flowDefinition", prefix="300"),
    MetadataType("LightningComponentBundle", "lwc", bundle=True, prefix="0Rb", words="Lightning Web Component"),
    MetadataType("MatchingRules", "matchingRules", "matchingRule", parts=(Part("MatchingRule", "matchingRules"),)),
    MetadataType("Report", "reports", "report", in_folder=True, prefix="00O"),
    MetadataType("Scontrol", "scontrols", "scf", meta=True),
    MetadataType("SharingRules", "sharingRules", "sharingRules", parts=_SHARING_PARTS),
    MetadataType("StaticResource", "staticresources", "resource", meta=True, prefix="081", words="Static Resource"),
    MetadataType("Workflow", "workflows", "workflow", parts=_WORKFLOW_PARTS),
)

# Types that are one XML file each: name, directory, suffix, id prefix.
_PLAIN = """
AnalyticSnapshot analyticSnapshots snapshot 0DM
AppMenu appMenus appMenu 0DM
ApprovalProcess approvalProcesses approvalProcess 04a
AuthProvider authproviders authprovider 0SO
BrandingSet brandingSets brandingSet 0BX
CallCenter callCenters callCenter 04v
Certificate certs crt 0P1
CleanDataService cleanDataServices cleanDataService 07N
Community communities community 09a
ConnectedApp connectedApps connectedApp 0H4
CorsWhitelistOrigin corsWhitelistOrigins corsWhitelistOrigin 0NS
CspTrustedSite cspTrustedSites cspTrustedSite 08y
CustomApplication applications app 02u
CustomApplicationComponent customApplicationComponents customApplicationComponent 02h
CustomFeedFilter feedFilters feedFilter 0Iy
CustomHelpMenuSection customHelpMenuSections customHelpMenuSection 0DM
CustomMetadata customMetadata md m00
CustomNotificationType notificationtypes notiftype 0ML
CustomObjectTranslation objectTranslations objectTranslation 01h
CustomPageWebLink weblinks weblink 00b
CustomPermission customPermissions customPermission 0CP
CustomSite sites site 0DM
CustomTab tabs tab 01r
DelegateGroup delegateGroups delegateGroup 04y
DuplicateRule duplicateRules duplicateRule 0Bm
EmailServicesFunction emailservices xml 091
ExternalCredential externalCredentials externalCredential 0pn
ExternalDataSource dataSources dataSource 0XC
FlexiPage flexipages flexipage 0M0
FlowCategory flowCategories flowCategory 31y
FlowTest flowtests flowtest 3XB
GlobalValueSet globalValueSets globalValueSet 0Nt
GlobalValueSetTranslation globalValueSetTranslations globalValueSetTranslation 0DM
Group groups group 00G
HomePageComponent homePageComponents homePageComponent 0DM
HomePageLayout homePageLayouts homePageLayout 0DM
InstalledPackage installedPackages installedPackage 0A3
Layout layouts layout 00h
Letterhead letterhead letter 016
LightningMessageChannel messageChannels messageChannel 0Hr
ManagedTopics managedTopics managedTopics 0DM
NamedCredential namedCredentials namedCredential 0XA
Network networks network 0DB
NetworkBranding networkBranding networkBranding 0Bq
PathAssistant pathAssistants pathAssistant 0bY
PermissionSet permissionsets permissionset 0PS
PermissionSetGroup permissionsetgroups permissionsetgroup 0PG
PlatformCachePartition cachePartitions cachePartition 0Er
PlatformEventChannel platformEventChannels platformEventChannel 0YL
PlatformEventChannelMember platformEventChannelMembers platformEventChannelMember 0v8
PlatformEventSubscriberConfig PlatformEventSubscriberConfigs platformEventSubscriberConfig 0dJ
Profile profiles profile 00e
Prompt prompts prompt 0bs
Queue queues queue 00G
QuickAction quickActions quickAction 09D
RecommendationStrategy recommendationStrategies recommendationStrategy 0S5
RemoteSiteSetting remoteSiteSettings remoteSite 0rp
ReportType reportTypes reportType 070
Role roles role 00E
Settings settings settings 0DM
Skill skills skill 0C5
StandardValueSet standardValueSets standardValueSet 0DM
StandardValueSetTranslation standardValueSetTranslations standardValueSetTranslation 0DM
SynonymDictionary synonymDictionaries synonymDictionary 0DM
Territory2 territory2 territory2 0MI
TopicsForObjects topicsForObjects topicsForObjects 0DM
TransactionSecurityPolicy transactionSecurityPolicies transactionSecurityPolicy 0Nx
Translations translations translation 01h
"""

# A member of package.xml that lists a folder is spelt with the type of its contents.
FOLDER_TYPES = {
    "Dashboard": "DashboardFolder",
    "Document": "DocumentFolder",
    "EmailTemplate": "EmailFolder",
    "Report": "ReportFolder",
}


@cache
def all_types() -> dict[str, MetadataType]:
    """Every top-level type by its name."""
    plain = (MetadataType(n, d, s, prefix=p) for n, d, s, p in (row.split() for row in _PLAIN.split("\n") if row))
    return {each.name: each for each in sorted((*_RICH, *plain), key=lambda each: each.name)}


@cache
def by_directory() -> dict[str, MetadataType]:
    """Every top-level type by the directory its files lie in."""
    return {each.directory: each for each in all_types().values()}


@cache
def child_types() -> dict[str, tuple[MetadataType, Part]]:
    """Every child type by its name, with its parent's type."""
    return {part.type: (parent, part) for parent in all_types().values() for part in parent.parts}


def known_type(name: str) -> bool:
    """Whether a package.xml may name this type."""
    return name in all_types() or name in child_types()


def id_prefix(type_name: str) -> str:
    """The first three characters of ids of records of this type."""
    if type_name in all_types():
        return all_types()[type_name].prefix
    return {"CustomField": "00N", "RecordType": "012", "ValidationRule": "03d", "ListView": "00B"}.get(type_name, "0DM")


def said(type_name: str) -> str:
    """A type's name as the platform writes it in sentences, e.g. "Custom Field"."""
    if type_name in all_types():
        return all_types()[type_name].said
    return {"CustomField": "Custom Field", "ValidationRule": "Validation Rule", "RecordType": "Record Type"}.get(
        type_name, type_name
    )
