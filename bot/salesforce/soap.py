"""The part of the SOAP Metadata API that REST does not offer: retrieve, list, describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.salesforce.failures import SoapFault, Unreadable
from bot.salesforce.session import OrgSession

_METADATA = "http://soap.sforce.com/2006/04/metadata"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{namespace}">'
    "<soapenv:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></soapenv:Header>"
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True)
class SoapDoor:
    """Where the SOAP API of one org is, with the session that opens it."""

    url: str
    token: str
    session: OrgSession

    def ask(self, body: str) -> Sequence[Element]:
        """Send one operation (XML text in the metadata namespace) and return its `result` elements.

        Raises SoapFault, Unreadable, requests' own errors.
        """
        envelope = _ENVELOPE.format(namespace=_METADATA, token=escape(self.token), body=body)
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
        response = self.session.request("POST", self.url, data=envelope.encode(), headers=headers)
        answer = _body_of(response)
        return children(answer, "result")


def element(name: str, *inner: str) -> str:
    """XML text of an element; `inner` is XML text already (use `leaf` for plain text)."""
    return f"<{name}>{''.join(inner)}</{name}>"


def leaf(name: str, text: str) -> str:
    """XML text of an element that holds plain text."""
    return f"<{name}>{escape(text)}</{name}>"


def children(parent: Element, name: str) -> list[Element]:
    """The child elements of that local name, whatever their namespace."""
    return [one for one in parent if one.tag.rpartition("}")[2] == name]


def text_of(parent: Element, name: str) -> str:
    """The text of the first child of that local name; empty when there is none."""
    found = children(parent, name)
    return (found[0].text or "") if found else ""


def _body_of(response: requests.Response) -> Element:
    """The operation's answer inside the SOAP body."""
    try:
        root = fromstring(response.content, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        if response.status_code >= 300:
            raise SoapFault(response.status_code, "", response.reason or "") from error
        raise Unreadable("no XML came back") from error
    bodies = children(root, "Body")
    if not bodies or not len(bodies[0]):
        raise Unreadable("the SOAP envelope is empty")
    answer = bodies[0][0]
    if answer.tag.rpartition("}")[2] == "Fault":
        code = text_of(answer, "faultcode").rpartition(":")[2]
        raise SoapFault(response.status_code, code, text_of(answer, "faultstring").removeprefix(f"{code}: "))
    return answer
