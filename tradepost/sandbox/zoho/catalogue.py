"""The modules as an organisation has them on its first day.

https://www.zoho.com/crm/developer/docs/api/v8/modules-fields.html
A line is `Api_Name type[:length]`, then any of: `!` mandatory, `ro` read only, `-> Module`, `= picklist`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tradepost.sandbox.zoho.schema import Choice, Field, Module, Schema


@dataclass(frozen=True, slots=True)
class Kind:
    """A module. `duplicates`: https://help.zoho.com/portal/en/community/topic/kaizen-56-upsert-records-api."""

    name: str
    singular: str
    display: str
    fields: str
    duplicates: tuple[str, ...] = ()
    plural: str = ""
    editable: bool = True


_EVERY = """
Owner ownerlookup -> users
Created_By ownerlookup ro -> users
Modified_By ownerlookup ro -> users
Created_Time datetime ro
Modified_Time datetime ro
Last_Activity_Time datetime ro
Tag tags ro
Description textarea:32000
Locked__s boolean ro
Record_Status__s picklist ro
"""
_PERSON = """
Salutation picklist:120 = Mr.|Mrs.|Ms.|Dr.|Prof.
First_Name text:40
Last_Name text:80 !
Full_Name text:120 ro
Email email:100
Secondary_Email email:100
Phone phone:30
Mobile phone:30
Fax text:30
Lead_Source picklist:120 = Advertisement|Cold Call|Employee Referral|External Referral|Online Store|Partner|Trade Show|Web Download|Web Research|Chat|X (Twitter)|Facebook
Email_Opt_Out boolean
Skype_ID text:50
Twitter text:50
"""  # noqa: E501
_ITEMS = """
Subject text:120 !
Account_Name lookup -> Accounts
Contact_Name lookup -> Contacts
Deal_Name lookup -> Deals
Status picklist:120 = Draft|Negotiation|Delivered|On Hold|Confirmed|Closed Won|Closed Lost
Grand_Total currency ro
"""
_ACTIVITY = """
Who_Id lookup -> Contacts
What_Id lookup -> *
"""

KINDS = (
    Kind(
        "Leads",
        "Lead",
        "Full_Name",
        _PERSON
        + """
Company text:200
Designation text:100
Website website:255
Lead_Status picklist:120 = Attempted to Contact|Contact in Future|Contacted|Junk Lead|Lost Lead|Not Contacted|Pre-Qualified|Not Qualified
Industry picklist:120 = ASP|Data/Telecom OEM|ERP|Government/Military|Large Enterprise|Manufacturing|Service Provider|Small/Medium Enterprise|Wholesale
Annual_Revenue currency:16
No_of_Employees integer:9
Rating picklist:120 = Acquired|Active|Market Failed|Project Cancelled|Shut Down
Street text:250
City text:100
State text:100
Zip_Code text:30
Country text:100
Converted__s boolean ro
Converted_Date_Time datetime ro
Converted_Account lookup ro -> Accounts
Converted_Contact lookup ro -> Contacts
Converted_Deal lookup ro -> Deals
""",  # noqa: E501
        ("Email",),
    ),
    Kind(
        "Accounts",
        "Account",
        "Account_Name",
        """
Account_Name text:200 !
Phone phone:30
Website website:255
Fax text:30
Account_Number bigint:18
Account_Site text:80
Account_Type picklist:120 = Analyst|Competitor|Customer|Distributor|Integrator|Investor|Other|Partner|Press|Prospect|Reseller|Supplier|Vendor
Industry picklist:120 = ASP|Data/Telecom OEM|ERP|Government/Military|Large Enterprise|Manufacturing|Service Provider|Small/Medium Enterprise|Wholesale
Annual_Revenue currency:16
Employees integer:9
Ownership picklist:120 = Other|Private|Public|Subsidiary|Partnership|Government|Privately Held|Public Company
Rating picklist:120 = Acquired|Active|Market Failed|Project Cancelled|Shut Down
Parent_Account lookup -> Accounts
Billing_Street text:250
Billing_City text:100
Billing_State text:100
Billing_Code text:30
Billing_Country text:100
""",  # noqa: E501
        ("Account_Name",),
    ),
    Kind(
        "Contacts",
        "Contact",
        "Full_Name",
        _PERSON
        + """
Account_Name lookup -> Accounts
Vendor_Name lookup -> Vendors
Title text:100
Department text:50
Date_of_Birth date
Reporting_To lookup -> Contacts
Mailing_Street text:250
Mailing_City text:100
Mailing_State text:100
Mailing_Zip text:30
Mailing_Country text:100
""",
        ("Email",),
    ),
    Kind(
        "Deals",
        "Deal",
        "Deal_Name",
        """
Deal_Name text:120 !
Account_Name lookup -> Accounts
Contact_Name lookup -> Contacts
Stage picklist:120 ! = @stages
Pipeline picklist:120 = @pipelines
Amount currency:16
Closing_Date date
Probability integer:9
Expected_Revenue currency:16 ro
Type picklist:120 = Existing Business|New Business
Next_Step text:100
Lead_Source picklist:120 = Advertisement|Cold Call|Employee Referral|External Referral|Online Store|Partner|Trade Show|Web Download|Web Research|Chat
Campaign_Source lookup -> Campaigns
Lead_Conversion_Time integer:9 ro
Sales_Cycle_Duration integer:9 ro
Overall_Sales_Duration integer:9 ro
Reason_For_Loss__s picklist:120 = Expectation Mismatch|Price|Unqualified Customer|Lack of response|Missed Follow Ups|Wrong Target|Competition|Future Interest|Other
""",  # noqa: E501
        ("Deal_Name",),
    ),
    Kind(
        "Tasks",
        "Task",
        "Subject",
        _ACTIVITY
        + """
Subject text:300 !
Due_Date date
Status picklist:120 = Not Started|Deferred|In Progress|Completed|Waiting for input
Priority picklist:120 = High|Highest|Low|Lowest|Normal
Send_Notification_Email boolean
Remind_At text:100
Recurring_Activity text:100
Closed_Time datetime ro
""",
    ),
    Kind(
        "Events",
        "Meeting",
        "Event_Title",
        _ACTIVITY
        + """
Event_Title text:255 !
Start_DateTime datetime !
End_DateTime datetime !
All_day boolean
Venue text:255
Participants tags
Check_In_Status text:100 ro
""",
        plural="Meetings",
    ),
    Kind(
        "Calls",
        "Call",
        "Subject",
        _ACTIVITY
        + """
Subject text:255 !
Call_Type picklist:120 ! = Inbound|Outbound|Missed
Call_Purpose picklist:120 = Prospecting|Administrative|Negotiation|Demo|Project|Desk
Call_Start_Time datetime !
Call_Duration text:20
Call_Duration_in_seconds integer:9 ro
Call_Result text:255
Outgoing_Call_Status picklist:120 = Completed|Scheduled|Overdue|Cancelled
""",
    ),
    Kind(
        "Notes",
        "Note",
        "Note_Title",
        """
Note_Title text:120
Note_Content textarea:32000
Parent_Id lookup ! -> *
""",
    ),
    Kind(
        "Attachments",
        "Attachment",
        "File_Name",
        """
File_Name text:255
Size text:50 ro
Parent_Id lookup -> *
""",
        editable=False,
    ),
    Kind(
        "Products",
        "Product",
        "Product_Name",
        """
Product_Name text:200 !
Product_Code text:40
Product_Active boolean
Vendor_Name lookup -> Vendors
Manufacturer picklist:120 = AltvetPet Inc.|LexPon Inc.|MetBeat Corp.
Product_Category picklist:120 = Hardware|Software|CRM Applications
Unit_Price currency:16
Qty_in_Stock double:16
""",
        ("Product_Name",),
    ),
    Kind(
        "Campaigns",
        "Campaign",
        "Campaign_Name",
        """
Campaign_Name text:200 !
Type picklist:120 = Conference|Webinar|Trade Show|Public Relations|Partners|Referral Program|Advertisement|Email|Telemarketing|Others
Status picklist:120 = Planning|Active|Inactive|Complete
Start_Date date
End_Date date
Budgeted_Cost currency:16
""",  # noqa: E501
        ("Campaign_Name",),
    ),
    Kind(
        "Vendors",
        "Vendor",
        "Vendor_Name",
        "Vendor_Name text:200 !\nEmail email:100\nPhone phone:30\nWebsite website:255\nCategory text:50\n",
        ("Vendor_Name",),
    ),
    Kind(
        "Price_Books",
        "Price Book",
        "Price_Book_Name",
        "Price_Book_Name text:200 !\nActive boolean\nPricing_Model picklist:120 = Flat|Differential\n",
        ("Price_Book_Name",),
    ),
    Kind(
        "Cases",
        "Case",
        "Subject",
        """
Subject text:200 !
Status picklist:120 ! = New|On Hold|Escalated|Closed
Case_Origin picklist:120 ! = Email|Phone|Web
Account_Name lookup -> Accounts
Related_To lookup -> Contacts
Deal_Name lookup -> Deals
Email email:100
Phone phone:30
Solution textarea:32000
""",
        ("Subject",),
    ),
    Kind(
        "Solutions",
        "Solution",
        "Solution_Title",
        "Solution_Title text:100 !\nStatus picklist:120 = Draft|Reviewed|Duplicate\nQuestion textarea:32000\n",
    ),
    Kind("Quotes", "Quote", "Subject", _ITEMS + "Valid_Till date\n", ("Subject",)),
    Kind("Sales_Orders", "Sales Order", "Subject", _ITEMS + "Due_Date date\n", ("Subject",)),
    Kind("Purchase_Orders", "Purchase Order", "Subject", _ITEMS + "Vendor_Name lookup -> Vendors\n", ("Subject",)),
    Kind("Invoices", "Invoice", "Subject", _ITEMS + "Invoice_Date date\nDue_Date date\n", ("Subject",)),
)

USER_FIELDS = """
id bigint:20 ro
first_name text:50
last_name text:50 !
full_name text:100 ro
email email:100 !
alias text:50
role lookup -> roles
profile lookup -> profiles
phone phone:50
mobile phone:50
website website:255
status picklist:120 ro = active|disabled|deleted
confirm boolean ro
zuid bigint:20 ro
time_zone picklist:120
locale picklist:120
language picklist:120
country text:100
created_time datetime ro
Modified_Time datetime ro
"""

STAGES = (
    ("Qualification", 10, "Open"),
    ("Needs Analysis", 20, "Open"),
    ("Value Proposition", 40, "Open"),
    ("Identify Decision Makers", 60, "Open"),
    ("Proposal/Price Quote", 75, "Open"),
    ("Negotiation/Review", 90, "Open"),
    ("Closed Won", 100, "Closed Won"),
    ("Closed Lost", 0, "Closed Lost"),
    ("Closed-Lost to Competition", 0, "Closed Lost"),
)
"""Stage, probability in percent, forecast type, of a new organisation's Standard pipeline."""
PIPELINE = "Standard (Standard)"


def fill(schema: Schema, number: Callable[[], str]) -> None:
    """Put the standard modules into a schema; `number` gives ids."""
    for sequence, kind in enumerate(KINDS):
        fields = parse(_EVERY + kind.fields, number)
        plural = kind.plural or kind.name.replace("_", " ")
        schema.modules[kind.name] = Module(
            name=kind.name,
            singular=kind.singular,
            plural=plural,
            id=number(),
            layout=number(),
            fields=fields,
            display=kind.display,
            duplicates=kind.duplicates,
            editable=kind.editable,
            sequence=sequence,
        )


def parse(text: str, number: Callable[[], str]) -> dict[str, Field]:
    """Fields of the notation above, by name."""
    return {field.name: field for field in (_field(line, number) for line in text.splitlines() if line.strip())}


def _field(line: str, number: Callable[[], str]) -> Field:
    head, _, choices = line.partition(" = ")
    head, _, lookup = head.partition(" -> ")
    name, kind, *flags = head.split()
    kind, _, length = kind.partition(":")
    return Field(
        name=name,
        label=name.removesuffix("__s").replace("_", " "),
        type=kind,
        id=number(),
        length=int(length or (20 if kind in {"lookup", "ownerlookup"} else 255)),
        mandatory="!" in flags,
        read_only="ro" in flags,
        lookup=lookup.strip(),
        choices=_choices(choices.strip(), number),
    )


def _choices(text: str, number: Callable[[], str]) -> tuple[Choice, ...]:
    match text:
        case "":
            return ()
        case "@stages":
            return tuple(Choice(name, number(), "", forecast, percent) for name, percent, forecast in STAGES)
        case "@pipelines":
            return (Choice(PIPELINE, number()),)
        case _:
            return tuple(Choice(each, number()) for each in text.split("|"))
