"""The names that Apex code finds in every org: namespaces, classes, objects."""

from __future__ import annotations

from bot.rehearsal.org.standard import STANDARD_OBJECTS

_TYPES = """
    any blob boolean date datetime decimal double enum exception id integer iterable iterator list long map object
    set sobject string time type void
"""
_NAMESPACES = """
    apexpages applauncher approval auth authsession cache canvas chatteranswers commercepayments compression
    connectapi database datacloud datasource dataweave dom eventbus externalservice flow formulaeval functions
    industriesdigitallending invocable invoice ispextension kbmanagement label lxscheduler messaging metadata page
    payment placequote pref_center process quickaction reports richmessaging runtime_industries_cpq salesforce
    sandboxed schema search sfc sfdc_checkout sfdc_surveys site slack super support system terminal terralink
    territorymgmt this trigger txnsecurity usermanagement userprovisioning visualeditor wave
"""
_CLASSES = """
    accesslevel accesstype address aggregateresult answers apexpage approvalrequest assert asyncapexjob
    asyncexception asyncinfo asyncoptions aura batchable batchablecontext businesshours callable callout
    calloutexception canvaslifecyclehandler childrelationship collator comparable comparator component continuation
    cookie crypto curfew custommetadata datacategory dataerror dataweavescriptresource datetimeexception
    datetimezone deleteresult describefieldresult describesobjectresult describetabresult describetabsetresult
    displaytype dmlexception dmloptions domain domaincreator domainparser domaintype duplicateresult emailexception
    emailmessages emptyrecyclebinresult encodingexception encodingutil error eventbussubscriber eventexception
    externalobjectexception featuremanagement fieldset fieldsetmember finalexception finalizer finalizercontext
    flexqueue flow formula formulaexception getdeletedresult getupdatedresult handledexception hmac http
    httpcalloutmock httprequest httpresponse ideas illegalargumentexception inboundemail installcontext
    installhandler invalidheaderexception invalidparametervalueexception invocable json jsonexception jsongenerator
    jsonparser jsontoken knowledge leadconvert leadconvertresult limitexception limits listexception location
    logginglevel mailexception massemailmessage matcher math mathexception mergeresult message
    multistaticresourcecalloutmock network noaccessexception nodataavailableexception nodatafoundexception
    nullpointerexception orglimit orglimits package packagemanagement packageversion pagereference pattern
    patternexception picklistentry procedureexception process publickeyexception queryexception querylocator
    queryscope queueable queueablecontext queueableduplicatesignature quickaction quicktext quiddity randomnumber
    ratelimit recalculateformulasresult recordtypeinfo relationshipreference remoteobjectcontroller request
    requiredfeaturemissingexception reset resetpasswordresult resourceurl restcontext restrequest restresponse
    savedsearch savepoint saveresult schedulable schedulablecontext scheduler searchexception security
    securityexception selectoption sendemailresult serializationexception serviceunavailableexception
    sessionmanagement severity singleemailmessage site soaptype sobjectaccessdecision sobjectdescribeoptions
    sobjectexception sobjectfield sobjecttype standardcontroller standardsetcontroller staticresourcecalloutmock
    statuscode stringexception stubprovider successinformation switcher test testvisible timezone
    transactionfinalizer triggeroperation typeexception undeleteresult unexpectedexception uninstallcontext
    uninstallhandler upsertresult url userinfo userrecordaccess uuid version versionexception visualforceexception
    webservicecallout webservicemock xmlexception xmlstreamreader xmlstreamwriter xmltag
"""
_OBJECTS = """
    acceptedeventrelation accountcontactrelation accountpartner accountshare actionlinktemplate agentwork
    aiinsightaction alternativepaymentmethod announcement apexclass apexcomponent apexlog apexpage apextestqueueitem
    apextestresult apextrigger apievent apieventstream appdefinition approvalrequest assetwarranty assignmentrule
    attachment authprovider authsession batchapexerrorevent branding brandtemplate businessprocess buyeraccount
    buyergroup calendar cardpaymentmethod cart cartdeliverygroup cartitem casehistory casesolution casestatus
    caseteammember caseteamrole caseteamtemplate categorydata categorynode chatteractivity collaborationgroup
    collaborationgroupmember combinedattachment community connectedapplication consumptionschedule
    contactpointaddress contactpointconsent contactpointemail contactpointphone contactrequest contentasset
    contentbody contentdistribution contentdocumentlink contentfolder contentfolderitem contentfolderlink
    contentnote contentversionhistory contentworkspace contentworkspacemember contractcontactrole contractlineitem
    creditmemo cronjobdetail crontrigger custombrand custompermission dashboard dashboardcomponent datacategorygroup
    datausepurpose datedconversionrate declinedeventrelation document domainsite duplicaterecorditem
    duplicaterecordset duplicaterule electronicmediagroup emailmessage emailmessagerelation emailservicesaddress
    emailservicesfunction emailtemplate engagementattendee entitlementcontact entitydefinition entityhistory
    entityparticle eventrelation eventwhorelation externaldatasource externalevent externaleventmapping
    feedattachment feedcomment feeditem feedlike feedtrackedchange fielddefinition fieldpermissions
    financebalancesnapshot fiscalyearsettings flowdefinitionview flowinterview flowversionview folder
    fulfillmentorder group groupmember hashtagdefinition holiday invoice invoiceline knowledgearticle
    knowledgearticleversion leadstatus legalentity linkedarticle listemail listview listviewevent livechatbutton
    livechatdeployment livechattranscriptevent livechatuserconfig livechatvisitor locationgroup loginasevent
    logineventstream logingeo loginhistory loginip mailmergetemplate maintenanceplan matchingrule messagingchannel
    messagingenduser mutingpermissionset name namedcredential networkmember networkmembergroup note
    noteandattachment oauthtoken objectpermissions omnisupervisorconfig operatinghours opportunitycompetitor
    opportunityfieldhistory opportunityhistory opportunitypartner opportunitysplit opportunitysplittype
    opportunitystage orderhistory orderitemsummary ordersummary organization orgwideemailaddress partner partnerrole
    payment paymentauthorization paymentgateway paymentmethod pendingservicerouting period permissionset
    permissionsetassignment permissionsetgroup permissionsetgroupcomponent permissionsetlicense
    permissionsetlicenseassign platformcachepartition platformstatusalertevent presenceuserconfig processdefinition
    processexception processinstance processinstancehistory processinstancenode processinstancestep
    processinstanceworkitem processnode productattribute productcatalog productcategory productcategoryproduct
    productconsumed productitem productmedia productrequest productrequired prompt promptaction pushtopic
    queueroutingconfig queuesobject quicktext quotedocument recentlyviewed recordaction recordtype recordvisibility
    refund relationshipinfo report reportevent reporteventstream resourceabsence resourcepreference returnorder
    returnorderlineitem scontrol searchlayout selfserviceuser serviceappointmentstatus servicecrew
    servicepresencestatus serviceresourceskill serviceterritorymember sessionpermsetactivation setupaudittrail
    setupentityaccess sharing shift shipment shippingcarrier sitedetail sitehistory skill skillrequirement
    slaprocess socialpost stamp staticresource streamingchannel survey surveyinvitation surveyresponse taskpriority
    taskrelation taskstatus taskwhorelation territory territory2 territory2model testsuitemembership
    thirdpartyaccountlink timeslot topic topicassignment topicuserevent undecidedeventrelation urievent
    useraccountteammember userappmenuitem userapppermission userfeed userlicense userlistview userlogin
    userpackagelicense userpreference userproviionsrequest userprovisioningrequest userrecordaccess
    userservicepresence userteammember verificationhistory visitor voicecall vote webcart weblink webstore
    workaccess workbadge workbadgedefinition workplan workstep worktype worktypegroup
"""
_NAMES = frozenset(
    word.lower() for words in (_TYPES, _NAMESPACES, _CLASSES, _OBJECTS) for word in words.split()
) | frozenset(name.lower() for name in STANDARD_OBJECTS)
_BESIDE_OBJECTS = ("share", "history", "feed", "changeevent", "tag", "eventstream", "eventstore", "exception")


def may_be_there(name: str) -> bool:
    """Whether the platform itself may offer this name; names of an org's own objects and packages always pass."""
    low = name.partition(".")[0].lower()
    return low in _NAMES or "__" in low or low.endswith(_BESIDE_OBJECTS)
