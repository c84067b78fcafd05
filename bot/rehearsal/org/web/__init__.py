"""The org's HTTP surface: REST, SOAP, OAuth, the rehearsal's own controls."""
