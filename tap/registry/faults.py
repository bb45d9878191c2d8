"""Errors that OAI-PMH has codes for (OAI-PMH 2.0 §3.6): they come with status 200, as the protocol wants it."""

BAD_ARGUMENT, BAD_VERB, BAD_TOKEN = "badArgument", "badVerb", "badResumptionToken"
NO_FORMAT, NO_RECORD, NO_MATCH = "cannotDisseminateFormat", "idDoesNotExist", "noRecordsMatch"


class OaiError(Exception):
    """A harvester asked for what cannot be, or is not there; `code` is OAI-PMH's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
