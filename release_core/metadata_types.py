"""Which metadata types there are, where their files lie, which of them are parts of another.

The table follows the Metadata API Developer Guide ("Metadata Types"); what is not in it is handled as an unknown type:
kept, shown, never promised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

META = "-meta.xml"
Shape = Literal["xml", "content", "bundle"]


@dataclass(frozen=True, order=True, slots=True)
class Component:
    """One named piece of metadata; `name` is the full name that package.xml uses ("Opportunity.Discount__c")."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


BY_NAME = attrgetter("type", "name")
"""The order of components, as a key: sorting thousands by it is several times faster than comparing them."""


@dataclass(frozen=True)
class FileType:
    """How one type is kept in a metadata-format package.

    `shape` is "xml" for one XML file, "content" for a content file with a -meta.xml file beside it, "bundle" for a
    folder of files. `suffix` is "" when files of the type keep their own. `in_folders`: people sort them in folders.
    """

    directory: str
    type: str
    suffix: str
    shape: Shape
    in_folders: bool = False


_XML = """
analyticSnapshots AnalyticSnapshot snapshot
applications CustomApplication app
appMenus AppMenu appMenu
approvalProcesses ApprovalProcess approvalProcess
assignmentRules AssignmentRules assignmentRules
authproviders AuthProvider authprovider
autoResponseRules AutoResponseRules autoResponseRules
brandingSets BrandingSet brandingSet
bots Bot bot
cachePartitions PlatformCachePartition cachePartition
callCenters CallCenter callCenter
cleanDataServices CleanDataService cleanDataService
communities Community community
connectedApps ConnectedApp connectedApp
corsWhitelistOrigins CorsWhitelistOrigin corsWhitelistOrigin
cspTrustedSites CspTrustedSite cspTrustedSite
customApplicationComponents CustomApplicationComponent customApplicationComponent
customHelpMenuSections CustomHelpMenuSection customHelpMenuSection
customMetadata CustomMetadata md
customPermissions CustomPermission customPermission
dataCategoryGroups DataCategoryGroup datacategorygroup
datacategorygroups DataCategoryGroup datacategorygroup
dataSources ExternalDataSource dataSource
delegateGroups DelegateGroup delegateGroup
duplicateRules DuplicateRule duplicateRule
EmbeddedServiceConfig EmbeddedServiceConfig EmbeddedServiceConfig
entitlementProcesses EntitlementProcess entitlementProcess
entitlementTemplates EntitlementTemplate entitlementTemplate
escalationRules EscalationRules escalationRules
externalCredentials ExternalCredential externalCredential
externalServiceRegistrations ExternalServiceRegistration externalServiceRegistration
feedFilters CustomFeedFilter feedFilter
flexipages FlexiPage flexipage
flows Flow flow
flowDefinitions FlowDefinition flowDefinition
flowCategories FlowCategory flowCategory
globalValueSets GlobalValueSet globalValueSet
globalValueSetTranslations GlobalValueSetTranslation globalValueSetTranslation
groups Group group
homePageComponents HomePageComponent homePageComponent
homePageLayouts HomePageLayout homePageLayout
installedPackages InstalledPackage installedPackage
labels CustomLabels labels
layouts Layout layout
letterhead Letterhead letter
lightningExperienceThemes LightningExperienceTheme lightningExperienceTheme
liveChatAgentConfigs LiveChatAgentConfig liveChatAgentConfig
liveChatButtons LiveChatButton liveChatButton
liveChatDeployments LiveChatDeployment liveChatDeployment
managedTopics ManagedTopics managedTopics
matchingRules MatchingRules matchingRule
messageChannels LightningMessageChannel messageChannel
milestoneTypes MilestoneType milestoneType
mlDomains MlDomain mlDomain
moderation KeywordList keywords
namedCredentials NamedCredential namedCredential
networks Network network
notificationtypes CustomNotificationType notiftype
objects CustomObject object
objectTranslations CustomObjectTranslation objectTranslation
pathAssistants PathAssistant pathAssistant
permissionsetgroups PermissionSetGroup permissionsetgroup
permissionsets PermissionSet permissionset
mutingpermissionsets MutingPermissionSet mutingpermissionset
platformEventChannels PlatformEventChannel platformEventChannel
platformEventChannelMembers PlatformEventChannelMember platformEventChannelMember
platformEventSubscriberConfigs PlatformEventSubscriberConfig platformEventSubscriberConfig
postTemplates PostTemplate postTemplate
presenceUserConfigs PresenceUserConfig presenceUserConfig
profiles Profile profile
profilePasswordPolicies ProfilePasswordPolicy profilePasswordPolicy
profileSessionSettings ProfileSessionSetting profileSessionSetting
prompts Prompt prompt
queueRoutingConfigs QueueRoutingConfig queueRoutingConfig
queues Queue queue
quickActions QuickAction quickAction
recommendationStrategies RecommendationStrategy recommendationStrategy
recordActionDeployments RecordActionDeployment deployment
redirectWhitelistUrls RedirectWhitelistUrl redirectWhitelistUrl
remoteSiteSettings RemoteSiteSetting remoteSite
reportTypes ReportType reportType
restrictionRules RestrictionRule rule
roles Role role
samlssoconfigs SamlSsoConfig samlssoconfig
serviceChannels ServiceChannel serviceChannel
servicePresenceStatuses ServicePresenceStatus servicePresenceStatus
settings Settings settings
sharingRules SharingRules sharingRules
sharingSets SharingSet sharingSet
sites CustomSite site
skills Skill skill
standardValueSets StandardValueSet standardValueSet
standardValueSetTranslations StandardValueSetTranslation standardValueSetTranslation
synonymDictionaries SynonymDictionary synonymDictionary
tabs CustomTab tab
territories Territory territory
testSuites ApexTestSuite testSuite
timelineObjectDefinitions TimelineObjectDefinition timelineObjectDefinition
topicsForObjects TopicsForObjects topicsForObjects
transactionSecurityPolicies TransactionSecurityPolicy transactionSecurityPolicy
translations Translations translation
weblinks CustomPageWebLink weblink
workflows Workflow workflow
workSkillRoutings WorkSkillRouting workSkillRouting
"""

_CONTENT = """
certs Certificate crt
classes ApexClass cls
components ApexComponent component
contentassets ContentAsset asset
networkBranding NetworkBranding networkBranding
pages ApexPage page
scontrols Scontrol scf
siteDotComSites SiteDotCom site
staticresources StaticResource resource
triggers ApexTrigger trigger
"""

_BUNDLES = """
aura AuraDefinitionBundle
experiences ExperienceBundle
genAiFunctions GenAiFunction
genAiPlanners GenAiPlanner
lwc LightningComponentBundle
waveTemplates WaveTemplateBundle
"""

_IN_FOLDERS = (
    FileType("dashboards", "Dashboard", "dashboard", "xml", in_folders=True),
    FileType("documents", "Document", "", "content", in_folders=True),
    FileType("email", "EmailTemplate", "email", "content", in_folders=True),
    FileType("reports", "Report", "report", "xml", in_folders=True),
)


def _rows(table: str, shape: Shape) -> list[FileType]:
    words = (line.split() for line in table.strip().splitlines())
    return [FileType(row[0], row[1], row[2] if len(row) > 2 else "", shape) for row in words]


FILE_TYPES = (*_rows(_XML, "xml"), *_rows(_CONTENT, "content"), *_rows(_BUNDLES, "bundle"), *_IN_FOLDERS)
BY_DIRECTORY = {row.directory: row for row in FILE_TYPES}
BY_TYPE = {row.type: row for row in FILE_TYPES}

CHILDREN: dict[str, dict[str, str]] = {
    "CustomObject": {
        "businessProcesses": "BusinessProcess",
        "compactLayouts": "CompactLayout",
        "fieldSets": "FieldSet",
        "fields": "CustomField",
        "indexes": "Index",
        "listViews": "ListView",
        "recordTypes": "RecordType",
        "sharingReasons": "SharingReason",
        "validationRules": "ValidationRule",
        "webLinks": "WebLink",
    },
    "CustomLabels": {"labels": "CustomLabel"},
    "Workflow": {
        "alerts": "WorkflowAlert",
        "fieldUpdates": "WorkflowFieldUpdate",
        "knowledgePublishes": "WorkflowKnowledgePublish",
        "outboundMessages": "WorkflowOutboundMessage",
        "rules": "WorkflowRule",
        "tasks": "WorkflowTask",
    },
    "SharingRules": {
        "sharingCriteriaRules": "SharingCriteriaRule",
        "sharingGuestRules": "SharingGuestRule",
        "sharingOwnerRules": "SharingOwnerRule",
        "sharingTerritoryRules": "SharingTerritoryRule",
    },
    "AssignmentRules": {"assignmentRule": "AssignmentRule"},
    "AutoResponseRules": {"autoResponseRule": "AutoResponseRule"},
    "EscalationRules": {"escalationRule": "EscalationRule"},
    "MatchingRules": {"matchingRules": "MatchingRule"},
}
PARENT_TYPE = {child: parent for parent, tags in CHILDREN.items() for child in tags.values()}
CHILD_TAG = {child: tag for tags in CHILDREN.values() for tag, child in tags.items()}

CONTAINERS = frozenset(CHILDREN) - {"CustomObject"}
"""Types that are nothing but the sum of their children: never restored or deleted as themselves."""


def parent_of(component: Component) -> Component | None:
    """The component in whose file this one is written; None for one with a file of its own."""
    parent = PARENT_TYPE.get(component.type)
    if parent is None:
        return None
    return Component(parent, "CustomLabels" if parent == "CustomLabels" else component.name.partition(".")[0])


def child_named(parent: Component, tag: str, full_name: str) -> Component:
    """The component that an element `tag` with this fullName in the parent's file stands for."""
    name = full_name if parent.type == "CustomLabels" else f"{parent.name}.{full_name}"
    return Component(CHILDREN[parent.type][tag], name)


def file_of(component: Component) -> str:
    """Where the main file (or the folder) of a component with a known type lies in a package."""
    owner = parent_of(component) or component
    row = BY_TYPE[owner.type]
    suffix = f".{row.suffix}" if row.suffix else ""
    return f"{row.directory}/{owner.name}{suffix}"


def owner_of(path: str) -> Component | None:
    """The component to which a file belongs, by its path alone; None when the path tells nothing."""
    directory, _, rest = path.partition("/")
    row = BY_DIRECTORY.get(directory)
    if row is None or not rest:
        return None
    if row.shape == "bundle":
        return _bundle_of(row, rest)
    stem = rest.removesuffix(META) if row.shape == "content" or row.in_folders else rest
    is_folder = row.in_folders and rest.endswith(META) and "." not in stem.rpartition("/")[2]
    if is_folder:
        return Component(row.type, stem)
    if row.suffix:
        stem, found, suffix = stem.rpartition(".")
        if not found or suffix != row.suffix:
            return None
    return Component(row.type, stem) if row.in_folders or "/" not in stem else None


def is_unknown(kind: str) -> bool:
    """Whether the table has no such type."""
    return kind not in BY_TYPE and kind not in CHILD_TAG


def is_xml(path: str) -> bool:
    """Whether the file at `path` should be XML, by the table."""
    if path.endswith((META, ".xml")):
        return True
    row = BY_DIRECTORY.get(path.partition("/")[0])
    return row is not None and row.shape == "xml" and path.endswith(f".{row.suffix}")


def is_source_format(path: str) -> bool:
    """Whether a file of this name exists only in source format (as `sf` projects keep it), never in a package."""
    folders, _, name = path.rpartition("/")
    if name == "sfdx-project.json" or "force-app" in folders.split("/"):
        return True
    stem = name.removesuffix(META)
    if stem == name or "." not in stem or not _BUNDLE_DIRECTORIES.isdisjoint(folders.split("/")):
        return False
    return stem.rpartition(".")[2] in _ONLY_IN_SOURCE


_BUNDLE_DIRECTORIES = {row.directory for row in FILE_TYPES if row.shape == "bundle"}
_ONLY_IN_SOURCE = {row.suffix for row in FILE_TYPES if row.shape == "xml" and row.type != "CustomSite"} | {
    "field",
    "validationRule",
    "recordType",
    "listView",
    "webLink",
    "fieldSet",
    "businessProcess",
    "compactLayout",
    "index",
    "sharingReason",
}


def members(components: Iterable[Component]) -> dict[str, list[str]]:
    """Type -> sorted full names, types sorted too: what a manifest or a retrieve asks for."""
    gathered: dict[str, set[str]] = {}
    for component in components:
        gathered.setdefault(component.type, set()).add(component.name)
    return {kind: sorted(gathered[kind]) for kind in sorted(gathered)}


def _bundle_of(row: FileType, rest: str) -> Component | None:
    name, _, inside = rest.partition("/")
    if inside:
        return Component(row.type, name)
    if row.type == "ExperienceBundle" and name.endswith(META):
        return Component(row.type, name.removesuffix(META).rpartition(".")[0])
    return None
