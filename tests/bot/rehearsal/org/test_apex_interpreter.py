"""What the small Apex interpreter can tell, what it leaves alone."""

# ruff: noqa: E501 - an Apex one-liner reads best on one line

from __future__ import annotations

import pytest

from bot.rehearsal.org.apex.program import ApexCode, Doubts
from bot.rehearsal.org.results import TestReport

POLICY = """public class Policy {
    public class TooMuch extends Exception {}
    public enum Size { SMALL, LARGE }
    private static final Integer BASE = 5;
    public static Integer rate(String tier) {
        if (tier == null) { throw new TooMuch('no tier'); }
        switch on tier {
            when 'Gold', 'Platinum' { return BASE * 3; }
            when 'Silver' { return BASE; }
            when else { return 0; }
        }
    }
    public static Size sizeOf(Decimal amount) {
        return amount > 100 ? Size.LARGE : Size.SMALL;
    }
    public static Integer never() {
        return 1;
    }
}"""


def run(
    body: str, *, triggers: dict[str, str] | None = None, doubts: Doubts | None = None, **classes: str
) -> TestReport:
    """Run one test method with this body."""
    source = "@IsTest\nprivate class SomeTest {\n    @IsTest static void works() {\n" + body + "\n    }\n}"
    code = ApexCode({"Policy": POLICY, "SomeTest": source, **classes}, triggers or {}, doubts)
    assert code.problems == {}
    return code.run(code.test_classes())


def message(body: str, **more: object) -> str | None:
    return run(body, **more).outcomes[0].message  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        "System.assertEquals(15, Policy.rate('Gold'));",
        "Assert.areEqual(5, Policy.rate('Silver'), 'silver');",
        "System.assertEquals(Policy.Size.LARGE, Policy.sizeOf(100.5));",
        "System.assertEquals('LARGE', Policy.sizeOf(101).name());",
        "try { Policy.rate(null); Assert.fail(); } catch (Policy.TooMuch e) { Assert.areEqual('no tier', e.getMessage()); }",
        "Integer n = 7; n += 3; n++; System.assertEquals(11, n); System.assertEquals(2, 11 / 4);",
        "System.assertEquals(2.75, 11 / 4.0); System.assertEquals(1.33, (4 / 3.0).setScale(2));",
        "String s = 'a' + 1 + true + null; System.assertEquals('a1truenull', s); System.assert('ABC' == 'abc');",
        "List<String> l = new List<String>{ 'b', 'a' }; l.sort(); System.assertEquals('a', l[0]); System.assertEquals(2, l.size());",
        "Map<String, Integer> m = new Map<String, Integer>{ 'x' => 1 }; m.put('y', 2); System.assertEquals(2, m.get('y'));",
        "Set<Id> s = new Set<Id>(); System.assert(s.isEmpty()); System.assert(s.add('1')); System.assert(!s.add('1'));",
        "Integer sum = 0; for (Integer i = 0; i < 5; i++) { if (i == 3) { continue; } sum += i; } System.assertEquals(7, sum);",
        "Integer i = 0; while (true) { i++; if (i > 9) break; } do { i--; } while (i > 5); System.assertEquals(5, i);",
        "Account a = new Account(Name = 'X'); insert a; System.assertNotEquals(null, a.Id);",
        "insert new Account(Name = 'X'); Account b = [SELECT Name FROM Account WHERE Name = 'X' LIMIT 1]; System.assertEquals('X', b.Name);",
        "System.assertEquals(0, [SELECT COUNT() FROM Account]);",
        "Account a = new Account(Name = 'X'); insert a; a.Name = 'Y'; update a; System.assertEquals('Y', [SELECT Name FROM Account].Name);",
        "Account a = new Account(Name = 'X'); insert a; delete a; System.assertEquals(0, [SELECT Id FROM Account].size());",
        "Object o = null; try { o.toString(); Assert.fail(); } catch (NullPointerException e) { System.assert(true); }",
        "try { Integer x = 1 / 0; Assert.fail(); } catch (System.MathException e) { System.assertEquals('Divide by 0', e.getMessage()); }",
        "String s = null; System.assertEquals(null, s?.length()); System.assertEquals('d', s ?? 'd');",
        "System.runAs(new User()) { System.assertEquals(15, Policy.rate('Platinum')); }",
        "System.assertEquals(3, Math.max(1, 3)); System.assert(String.isBlank('  ')); System.assertEquals('1;2', String.join(new List<Integer>{1, 2}, ';'));",
        "System.assertEquals(12, Integer.valueOf('12')); System.assertEquals(5, (Integer) 5.7);",
    ],
)
def test_what_holds_passes(body: str) -> None:
    assert message(body) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "System.assertEquals(10, Policy.rate('Gold'));",
            "System.AssertException: Assertion Failed: Expected: 10, Actual: 15",
        ),
        (
            "System.assertEquals(10, 15, 'gold');",
            "System.AssertException: Assertion Failed: gold: Expected: 10, Actual: 15",
        ),
        ("System.assertNotEquals(1, 1);", "System.AssertException: Assertion Failed: Same value: 1"),
        ("System.assert(1 > 2, 'really');", "System.AssertException: Assertion Failed: really"),
        ("Assert.isTrue(false);", "System.AssertException: Assertion Failed"),
        ("Assert.fail('never');", "System.AssertException: Assertion Failed: never"),
        ("System.assertEquals('a', 'A');", "System.AssertException: Assertion Failed: Expected: a, Actual: A"),
        ("Policy.rate(null);", "Policy.TooMuch: no tier"),
        ("Account a; a.Name = 'x';", "System.NullPointerException: Attempt to de-reference a null object"),
        ("Integer x = new List<Integer>()[0];", "System.ListException: List index out of bounds: 0"),
        ("Account a = [SELECT Id FROM Account];", "System.QueryException: List has no rows for assignment to SObject"),
        ("while (true) { Integer x = 1; }", "System.LimitException: Apex CPU time limit exceeded"),
    ],
)
def test_what_does_not_hold_fails_with_salesforces_words(body: str, expected: str) -> None:
    assert message(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "HttpResponse r = new Http().send(new HttpRequest()); System.assertEquals(500, r.getStatusCode());",
        "System.assertEquals('someone', UserInfo.getName());",
        "User u = [SELECT Id, Profile.Name FROM User LIMIT 1]; System.assertEquals('nobody', u.Profile.Name);",
        "List<AggregateResult> r = [SELECT COUNT(Id) c FROM Account GROUP BY Name]; System.assertEquals(9, r.size());",
        "Database.SaveResult s = Database.insert(new Account(), false); System.assert(!s.isSuccess());",
        "Integer n = 1; if (UserInfo.getName() == 'x') { n = 2; } System.assertEquals(3, n);",
        "for (Integer i : Limits.numbers()) { System.assertEquals(99, i); }",
        "Type t = Type.forName('Policy'); System.assertEquals(null, t);",
        "System.enqueueJob((Queueable) null); System.assertEquals(5, [SELECT COUNT() FROM AsyncApexJob]);",
    ],
)
def test_what_cannot_be_known_never_fails(body: str) -> None:
    assert message(body) is None


def test_triggers_run_when_records_are_saved() -> None:
    trigger = (
        "trigger T on Account (before insert) { for (Account a : Trigger.new) { a.Rate__c = Policy.rate(a.Tier__c); } }"
    )
    body = "Account a = new Account(Tier__c = 'Gold'); insert a; System.assertEquals(15, [SELECT Rate__c FROM Account].Rate__c);"
    report = run(body, triggers={"T": trigger})
    assert report.outcomes[0].message is None
    assert next(each for each in report.coverage if each.name == "T").percent == 100


def test_a_trigger_may_refuse_a_record() -> None:
    trigger = "trigger T on Account (before insert) { Trigger.new[0].addError('not today'); }"
    body = "try { insert new Account(); Assert.fail(); } catch (DmlException e) { System.assert(e.getMessage().contains('not today')); }"
    assert message(body, triggers={"T": trigger}) is None


def test_what_a_flow_may_have_set_is_not_known() -> None:
    doubts = Doubts(unsure={"account": frozenset({"rating"})})
    body = "insert new Account(Rating = 'Hot'); System.assertEquals('Cold', [SELECT Rating FROM Account].Rating);"
    assert message(body, doubts=doubts) is None
    assert message(body) is not None


def test_what_a_validation_rule_may_refuse_is_not_known() -> None:
    body = "try { insert new Account(); Assert.fail('expected a refusal'); } catch (DmlException e) { }"
    assert message(body, doubts=Doubts(guarded=frozenset({"account"}))) is None
    assert message(body) == "System.AssertException: Assertion Failed: expected a refusal"


def test_objects_with_fields_methods_and_parents() -> None:
    shape = "public virtual class Shape { public Integer sides; public Shape(Integer n) { this.sides = n; } public Integer twice() { return sides * 2; } }"
    assert message("Shape s = new Shape(4); s.sides++; System.assertEquals(10, s.twice());", Shape=shape) is None


def test_setup_methods_run_before_each_test() -> None:
    source = """@IsTest private class SetupTest {
        @TestSetup static void make() { insert new Account(Name = 'A'); }
        @IsTest static void one() { System.assertEquals(1, [SELECT COUNT() FROM Account]); insert new Account(); }
        @IsTest static void two() { System.assertEquals(1, [SELECT COUNT() FROM Account]); }
        static testMethod void old() { System.assertEquals(1, 1); }
    }"""
    report = ApexCode({"SetupTest": source}, {}).run(["SetupTest"])
    assert [(each.method, each.message) for each in report.outcomes] == [("one", None), ("two", None), ("old", None)]


def test_a_failure_says_where_it_came_from() -> None:
    assert run("\n\n        Policy.rate(null);").outcomes[0].stack == (
        "Class.Policy.rate: line 6, column 1\nClass.SomeTest.works: line 6, column 1"
    )


def test_coverage_counts_the_statements_that_were_reached() -> None:
    report = run("Policy.rate('Gold');")
    policy = next(each for each in report.coverage if each.name == "Policy")
    assert policy.lines == (4, 6, 7, 8, 9, 10, 14, 17)
    assert policy.missed == (9, 10, 14, 17)


def compile_error(source: str, name: str = "Broken") -> tuple[str, int]:
    bad = ApexCode({name: source, "Policy": POLICY}, {}).problems["ApexClass", name]
    return bad.message, bad.line


@pytest.mark.parametrize(
    ("source", "words", "line"),
    [
        ("public class Broken {\n  void go() {\n", "Missing '}' at '<EOF>'", 3),
        ("public class Broken { } }", "Extra '}'", 1),
        ("public class Broken {\n  void go() { foo(1]; }\n}", "Unexpected token ']'", 2),
        ("public class Broken {\n  void go() {\n    Integer x = 1\n    x = 2;\n  }\n}", "Missing ';' at 'x'", 4),
        ("public class Broken {\n  String s = 'open;\n}", "Illegal string literal", 2),
        ("public class Other { }", "Class name must match the file name", 1),
        ("hello world", "Unexpected token 'hello'", 1),
        ("", "Unexpected token '<EOF>'", 1),
        (
            "public class Broken {\n  Integer go() { return Policy.gone(1); }\n}",
            "Method does not exist or incorrect signature",
            2,
        ),
        (
            "public class Broken {\n  Integer go() { return missing(); }\n}",
            "Method does not exist or incorrect signature",
            2,
        ),
        ("public class Broken {\n  String go() { return System.Label.Gone; }\n}", "Variable does not exist: Gone", 2),
    ],
)
def test_code_that_cannot_compile_is_refused_with_its_line(source: str, words: str, line: int) -> None:
    message_, at = compile_error(source)
    assert words in message_
    assert at == line


@pytest.mark.parametrize(
    "source",
    [
        "public with sharing class Fine implements Database.Batchable<SObject>, Schedulable { global void execute(SchedulableContext c) { } }",
        "public class Fine { public String name { get; private set; } public Integer n { get { return 1; } set { n = value; } } }",
        "public class Fine { Map<String, List<Account>> m = new Map<String, List<Account>>(); static { Integer x = 1; } { Integer y = 2; } }",
        "public class Fine { @AuraEnabled(cacheable=true) public static List<Account> all() { return [SELECT Id FROM Account WHERE Name LIKE 'x%']; } }",
        "public class Fine { void go() { for (Account a : [SELECT Id, (SELECT Id FROM Contacts) FROM Account]) { update as user a; } } }",
        "public class Fine { Integer[] n = new Integer[]{ 1, 2 }; Account[] a = new Account[5]; Object o = (Object) n; }",
        "public class Fine { void go(Object o) { if (o instanceof Account) { Account a = (Account) o; } List<Type> t = new List<Type>{ String.class, List<Id>.class }; } }",
        "public abstract class Fine { public abstract void go(); protected virtual String x(final String y) { return y?.trim() ?? 'n'; } interface I { void a(); } enum E { A, B } }",
        "public class Fine { void go() { switch on Trigger.operationType { when BEFORE_INSERT, AFTER_UPDATE { } when else { } } Integer x = 5 & 3 | 1 << 2; } }",
        "public class Fine { void go() { Account a = new Account(Name = 'x', OwnerId = UserInfo.getUserId()); a.Contacts.add(null); System.debug(LoggingLevel.ERROR, 'x' + a); } }",
        "/* comment */ public class Fine { // another }\n String s = 'it\\'s } fine'; Long l = 5L; Double d = 1.5d; }",
        "public class Fine { public Fine() { this('x'); } public Fine(String s) { super(); } }",
    ],
)
def test_ordinary_apex_compiles(source: str) -> None:
    assert ApexCode({"Fine": source}, {}).problems == {}
