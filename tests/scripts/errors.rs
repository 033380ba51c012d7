//! Faulty scripts, and the messages that their administrator gets.

use super::*;

const UNDEFINED: &str =
    "the script must define `function main(workItem)`, or one function of another name";

#[tokio::test]
async fn a4_a_wrong_script_is_told_what_is_wrong_and_where() {
    let scripts = scripts("errors");
    for (script, failure) in [
        ("", UNDEFINED),
        ("var main = 7;", UNDEFINED),
        ("function a(w) {} function b(w) {}", UNDEFINED),
        ("function getName(w) {}", "`getName` must set `workItem.output`"),
        (
            "function main(w) {\n  foo(;\n}",
            "line 2: SyntaxError: unexpected token in expression: ';'",
        ),
        ("function main(w) {\n\n", "line 3: SyntaxError: unexpected token in expression: ''"),
        ("let tb = 1;", "SyntaxError: redeclaration of 'tb'"),
        ("import x from 'fs';", "line 1: SyntaxError: "),
        ("var a = 1;\nthrow new RangeError('no');", "line 2: RangeError: no"),
        (
            "function main(w) {\n  w.input.value.boss.name;\n}",
            "line 2: TypeError: cannot read property 'name' of undefined",
        ),
        ("function f() {\n  throw Error('deep');\n}\nfunction main(w) { f(); }", "line 2: deep"),
        ("function main(w) {}", "`main` must set `workItem.output`"),
        (
            "function* main(w) { w.output = tb.simpleResponse({}); }",
            "`main` must set `workItem.output`",
        ),
        (
            "async function main(w) { w.output = tb.simpleResponse({}); }",
            "`main` must not be asynchronous",
        ),
        (
            "function main(w) { w.output = tb.simpleResponse({}); return import('os'); }",
            "`main` must not be asynchronous",
        ),
        ("function main(w) { throw 'text'; }", "the script threw text"),
        (
            "function main(w) { throw { toString() { throw 1; } }; }",
            "the script threw a value without a text",
        ),
        ("function main(w) { throw Symbol('s'); }", "the script threw a value without a text"),
        ("function main(w) { throw undefined; }", "the script threw undefined"),
        ("function main(w) {\nthrow new Error(); }", "line 2: an error without a message"),
        (
            "function main(w) { const e = Error('x'); Object.defineProperty(e, 'message', { get() \
             { throw 1; } }); throw e; }",
            "line 1: an error without a message",
        ),
        (
            "function main(w) { const e = Error('x'); Object.defineProperty(e, 'stack', { value: \
             { toString() { throw 1; } } }); throw e; }",
            "x",
        ),
        (
            "function main(w) { const e = Error('x'); e.stack = 'at script:99999999999:1'; throw \
             e; }",
            "x",
        ),
    ] {
        let answer = text(scripts.run(script, &jan()).await).unwrap_err();
        assert!(
            answer.contains(failure) && answer.len() < failure.len() + 60,
            "{script}: {answer}"
        );
    }
    still_works(&scripts, "errors").await;
}

#[tokio::test]
async fn a4_an_output_of_the_wrong_shape_is_refused_by_name() {
    let scripts = scripts("errors");
    for (statement, failure) in [
        (
            "w.output = { a: ['x'] };",
            "expected `workItem.output` to be made by `tb.simpleResponse`",
        ),
        (
            "w.output = JSON.parse('{}');",
            "expected `workItem.output` to be made by `tb.simpleResponse`",
        ),
        (
            "w.output = Object.create(tb.simpleResponse({}));",
            "expected `workItem.output` to be made by `tb.simpleResponse`",
        ),
        ("w.output = null;", "expected `workItem.output` to be made by `tb.simpleResponse`"),
        (
            "w.output = new (Object.getPrototypeOf(tb.simpleResponse({})).constructor)('{}');",
            "expected `workItem.output` to be made by `tb.simpleResponse`",
        ),
        ("tb.simpleResponse();", "expected an object of arrays in `tb.simpleResponse`"),
        ("tb.simpleResponse([[1]]);", "expected an object of arrays in `tb.simpleResponse`"),
        ("tb.simpleResponse(new Map());", "expected an object of arrays in `tb.simpleResponse`"),
        ("tb.simpleResponse({ b: 'x' });", "`b`: expected an array, found string"),
        ("tb.simpleResponse({ b: undefined });", "`b`: expected an array, found undefined"),
        ("tb.simpleResponse({ b: null });", "`b`: expected an array, found null"),
        ("tb.simpleResponse({ b: { c: 0 } });", "`b.c`: expected an array, found number"),
        ("tb.simpleResponse({ b: { c: { d: [] } } });", "`b.c`: expected an array, found object"),
        ("tb.simpleResponse({ b: new Map() });", "`b`: expected an array, found object"),
        ("tb.simpleResponse({ b: [null] });", "or arrays, found null"),
        ("tb.simpleResponse({ b: [undefined] });", "or arrays, found undefined"),
        ("tb.simpleResponse({ b: [,1] });", "or arrays, found undefined"),
        ("tb.simpleResponse({ b: [NaN] });", "found a number that is not finite"),
        ("tb.simpleResponse({ b: [{ c: [-1 / 0] }] });", "found a number that is not finite"),
        ("tb.simpleResponse({ b: [() => 1] });", "found function"),
        ("tb.simpleResponse({ b: [{ c: undefined }] });", "or arrays, found undefined"),
        ("tb.simpleResponse({ b: [Symbol()] });", "found symbol"),
        ("tb.simpleResponse({ b: [1n] });", "found bigint"),
        ("tb.simpleResponse({ b: [new Map()] });", "found an object of a class"),
        ("tb.simpleResponse({ b: [new String('x')] });", "found an object of a class"),
        ("const c = []; c[0] = c; tb.simpleResponse({ b: c });", "circular reference"),
        ("tb.simpleResponse({ b: ['\\ud800'] });", "`b` contains half of a surrogate pair"),
        ("tb.simpleResponse({ b: [{ '\\udfff': 1 }] });", "`b` contains half of a surrogate pair"),
        ("tb.simpleResponse({ '\\udfff': [] });", "a name contains half of a surrogate pair"),
        (
            "tb.simpleResponse({ __proto__: ['x'] });",
            "expected an object of arrays in `tb.simpleResponse`",
        ),
        (
            "w.output = tb.simpleResponse({ b: ['x'.repeat(65536)] });",
            "the output is longer than 64 KB",
        ),
        (
            "let c = []; for (let i = 0; i < 70; i++) c = [c]; w.output = tb.simpleResponse({ c \
             });",
            "nest deeper than 64",
        ),
    ] {
        let answer = text(scripts.run(&main_of(statement), &jan()).await).unwrap_err();
        assert!(answer.contains(failure), "{statement}: {answer}");
    }
    still_works(&scripts, "errors").await;
}

#[tokio::test]
async fn a4_a_failure_is_short_and_names_no_path() {
    let scripts = scripts("errors");
    for body in [
        "throw Error('x\\n'.repeat(1e5));",
        "throw 'é'.repeat(1e5);",
        "null['p'.repeat(1e5)];",
        "throw Error(Error().stack);",
    ] {
        let answer = text(scripts.run(&main_of(body), &jan()).await).unwrap_err();
        assert!(
            answer.chars().count() <= 500 && !answer.contains(char::is_control),
            "{body}: {answer}"
        );
        assert!(
            !answer.contains("/work") && !answer.contains("/tmp") && !answer.contains(".rs"),
            "{body}: {answer}"
        );
    }
}

#[tokio::test]
async fn a4_what_is_too_long_is_refused() {
    let scripts = scripts("errors");
    let script = format!("//{}", "x".repeat(64 * 1024));
    assert_eq!(
        text(scripts.run(&script, &jan()).await).unwrap_err(),
        "expected a script of at most 65536 characters"
    );
    let input = Json::String("x".repeat(2 * 1024 * 1024));
    assert_eq!(
        text(scripts.run(FULL_NAME, &input).await).unwrap_err(),
        "expected the script and its input to have at most 2 MB together"
    );
}

#[tokio::test]
async fn a_script_is_checked_without_being_run() {
    let scripts = scripts("errors");
    for right in [
        "function main(w) { throw Error('not yet'); }",
        "const main = () => w.input.value.a.b;",
        "function getName(workItem) {}",
    ] {
        scripts.check(right).await.unwrap();
    }
    for (wrong, said) in [
        ("function main(w) {\n  foo(;\n}", "line 2: SyntaxError"),
        ("function a(w) {} function b(w) {}", UNDEFINED),
        ("for (;;);", "ran longer than"),
    ] {
        let answer = scripts.check(wrong).await.unwrap_err().to_string();
        assert!(answer.contains(said), "{answer}");
    }
}
