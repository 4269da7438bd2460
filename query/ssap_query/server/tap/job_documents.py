"""Jobs as the documents of UWS 1.1 (https://www.ivoa.net/documents/UWS, appendix A)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from ssap_query.server.tap.jobs import Job, Phase

__all__ = ["job_document", "job_list", "parameters_document", "results_document", "time_text"]

_UWS = "http://www.ivoa.net/xml/UWS/v1.0"
_XLINK = "http://www.w3.org/1999/xlink"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"

for _prefix, _uri in (("uws", _UWS), ("xlink", _XLINK), ("xsi", _XSI)):
    ET.register_namespace(_prefix, _uri)

_VERSION = {"version": "1.1"}


def time_text(time: datetime | None) -> str:
    """Write a time as UWS does; empty for none."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def job_document(job: Job, address: str) -> bytes:
    """Describe a job.

    Parameters
    ----------
    job : Job
        The job.
    address : str
        Where it is.
    """
    root = ET.Element(_tag("job"), _VERSION)
    _text(root, "jobId", job.job_id)
    if job.run_id is not None:
        _text(root, "runId", job.run_id)
    _text(root, "ownerId", "")
    _text(root, "phase", job.phase)
    _text(root, "quote", "")
    _text(root, "creationTime", time_text(job.created))
    _text(root, "startTime", time_text(job.started))
    _text(root, "endTime", time_text(job.ended))
    _text(root, "executionDuration", str(int(job.duration_s)))
    _text(root, "destruction", time_text(job.destruction))
    _add_parameters(ET.SubElement(root, _tag("parameters")), job)
    _add_results(ET.SubElement(root, _tag("results")), job, address)
    if job.phase == Phase.ERROR:
        summary = ET.SubElement(root, _tag("errorSummary"), {"type": "fatal", "hasDetail": "true"})
        _text(summary, "message", job.message)
    return _document(root)


def parameters_document(job: Job) -> bytes:
    """Describe the parameters of a job."""
    root = ET.Element(_tag("parameters"))
    _add_parameters(root, job)
    return _document(root)


def results_document(job: Job, address: str) -> bytes:
    """Describe the results of a job."""
    root = ET.Element(_tag("results"))
    _add_results(root, job, address)
    return _document(root)


def job_list(jobs: Iterable[Job], address: str) -> bytes:
    """List jobs.

    Parameters
    ----------
    jobs : iterable of Job
        In the order of the list.
    address : str
        Where they are.
    """
    root = ET.Element(_tag("jobs"), _VERSION)
    for job in jobs:
        link = {f"{{{_XLINK}}}type": "simple", f"{{{_XLINK}}}href": f"{address}/{job.job_id}"}
        found = ET.SubElement(root, _tag("jobref"), {"id": job.job_id, **link})
        _text(found, "phase", job.phase)
        if job.run_id is not None:
            _text(found, "runId", job.run_id)
        _text(found, "ownerId", "")
        _text(found, "creationTime", time_text(job.created))
    return _document(root)


def _add_parameters(parent: ET.Element, job: Job) -> None:
    for name, value in job.parameters.values.items():
        if name != "PHASE":
            ET.SubElement(parent, _tag("parameter"), {"id": name}).text = value


def _add_results(parent: ET.Element, job: Job, address: str) -> None:
    if job.result is None:
        return
    link = {f"{{{_XLINK}}}type": "simple", f"{{{_XLINK}}}href": f"{address}/results/result"}
    ET.SubElement(parent, _tag("result"), {"id": "result", **link, "mime-type": job.result.media_type})


def _tag(name: str) -> str:
    return f"{{{_UWS}}}{name}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    found = ET.SubElement(parent, _tag(name))
    if text:
        found.text = text
    else:
        found.set(f"{{{_XSI}}}nil", "true")


def _document(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
