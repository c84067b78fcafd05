"""Test runs asked for by themselves: the records that clients poll afterwards."""

from __future__ import annotations

from bot.rehearsal.org.answers import apex_id
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import TestOutcome


def run_and_record(org: Org, names: list[str] | None, user_id: str) -> str:
    """Run tests (all when `names` is None), leave their records behind; the id of the job, which is over already."""
    with org.lock:
        report = org.run_all_tests(names)
        now = org.clock.now()
        job, run = org.mint.mint("707"), org.mint.mint("05m")
        classes = sorted({each.class_name for each in report.outcomes})
        summary: dict[str, object] = {"Id": run, "AsyncApexJobId": job, "Status": "Completed", "UserId": user_id}
        summary |= {
            "StartTime": now,
            "EndTime": now,
            "TestSetupTime": 0,
            "TestTime": sum(each.millis for each in report.outcomes),
        }
        summary |= {"ClassesEnqueued": len(classes), "ClassesCompleted": len(classes), "IsAllTests": names is None}
        done = len(report.outcomes)
        summary |= {"MethodsEnqueued": done, "MethodsCompleted": done, "MethodsFailed": len(report.failures)}
        org.records.setdefault("ApexTestRunResult", []).append(summary)
        started: dict[str, object] = {"Id": job, "Status": "Completed", "JobType": "TestRequest", "CreatedDate": now}
        org.records.setdefault("AsyncApexJob", []).append(started)
        for name in classes:
            item = org.mint.mint("709")
            row: dict[str, object] = {"Id": item, "Status": "Completed", "ApexClassId": apex_id(org.inventory, name)}
            row |= {"ParentJobId": job, "TestRunResultId": run, "CreatedDate": now}
            org.records.setdefault("ApexTestQueueItem", []).append(row)
            for each in report.outcomes:
                if each.class_name == name:
                    org.records.setdefault("ApexTestResult", []).append(_result(org, each, item, job))
        return job


def _result(org: Org, each: TestOutcome, item: str, job: str) -> dict[str, object]:
    class_id = apex_id(org.inventory, each.class_name)
    return {
        "Id": org.mint.mint("07M"),
        "QueueItemId": item,
        "AsyncApexJobId": job,
        "MethodName": each.method,
        "Outcome": "Pass" if each.message is None else "Fail",
        "Message": each.message,
        "StackTrace": each.stack or None,
        "RunTime": int(each.millis),
        "TestTimestamp": org.clock.now(),
        "ApexLogId": None,
        "ApexClassId": class_id,
        "ApexClass.Id": class_id,
        "ApexClass.Name": each.class_name,
        "ApexClass.NamespacePrefix": None,
        "IsTestSetup": False,
    }
