//! Scripts that are wrong, and what their administrator is told.

use super::*;

#[tokio::test]
async fn a4_a_wrong_script_is_told_what_is_wrong_and_where() {
    let scripts = scripts("errors");
    for (script, failure) in [
        ("", "the script defines no `function main(workItem)`"),
        ("var main = 7;", "the script defines no `function main(workItem)`"),
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
        ("function main(w) {}", "`main` sets no `workItem.output`"),
        (
            "function* main(w) { w.output = tb.simpleResponse({}); }",
            "`main` sets no `workItem.output`",
        ),
        (
            "async function main(w) { w.output = tb.simpleResponse({}); }",
            "`main` is asynchronous; nothing waits for it",
        ),
        (
            "function main(w) { w.output = tb.simpleResponse({}); return import('os'); }",
            "`main` is asynchronous; nothing waits for it",
        ),
        ("function main(w) { throw 'text'; }", "the script throws text"),
        (
            "function main(w) { throw { toString() { throw 1; } }; }",
            "the script throws something that has no text",
        ),
        ("function main(w) { throw Symbol('s'); }", "the script throws something that has no text"),
        ("function main(w) { throw undefined; }", "the script throws undefined"),
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
        ("w.output = { a: ['x'] };", "`workItem.output` is not made by `tb.simpleResponse`"),
        ("w.output = JSON.parse('{}');", "`workItem.output` is not made by `tb.simpleResponse`"),
        (
            "w.output = Object.create(tb.simpleResponse({}));",
            "`workItem.output` is not made by `tb.simpleResponse`",
        ),
        ("w.output = null;", "`workItem.output` is not made by `tb.simpleResponse`"),
        (
            "w.output = new (Object.getPrototypeOf(tb.simpleResponse({})).constructor)('{}');",
            "`workItem.output` is not made by `tb.simpleResponse`",
        ),
        ("tb.simpleResponse();", "`tb.simpleResponse` takes an object of arrays"),
        ("tb.simpleResponse([[1]]);", "`tb.simpleResponse` takes an object of arrays"),
        ("tb.simpleResponse(new Map());", "`tb.simpleResponse` takes an object of arrays"),
        ("tb.simpleResponse({ b: 'x' });", "`b` is string, not an array"),
        ("tb.simpleResponse({ b: undefined });", "`b` is undefined, not an array"),
        ("tb.simpleResponse({ b: null });", "`b` is null, not an array"),
        ("tb.simpleResponse({ b: { length: 0 } });", "`b` is object, not an array"),
        ("tb.simpleResponse({ b: [null] });", "`b` holds null"),
        ("tb.simpleResponse({ b: [undefined] });", "`b` holds undefined"),
        ("tb.simpleResponse({ b: [,1] });", "`b` holds undefined"),
        ("tb.simpleResponse({ b: [NaN] });", "`b` holds a number that is not finite"),
        ("tb.simpleResponse({ b: [{ c: [-1 / 0] }] });", "`b` holds a number that is not finite"),
        ("tb.simpleResponse({ b: [() => 1] });", "`b` holds function"),
        ("tb.simpleResponse({ b: [{ c: undefined }] });", "`b` holds undefined"),
        ("tb.simpleResponse({ b: [Symbol()] });", "`b` holds symbol"),
        ("tb.simpleResponse({ b: [1n] });", "`b` holds bigint"),
        ("tb.simpleResponse({ b: [new Map()] });", "`b` holds an object of a class"),
        ("tb.simpleResponse({ b: [new String('x')] });", "`b` holds an object of a class"),
        ("const c = []; c[0] = c; tb.simpleResponse({ b: c });", "circular reference"),
        ("tb.simpleResponse({ b: ['\\ud800'] });", "`b` holds half of a surrogate pair"),
        ("tb.simpleResponse({ b: [{ '\\udfff': 1 }] });", "`b` holds half of a surrogate pair"),
        ("tb.simpleResponse({ '\\udfff': [] });", "a name holds half of a surrogate pair"),
        (
            "tb.simpleResponse({ __proto__: ['x'] });",
            "`tb.simpleResponse` takes an object of arrays",
        ),
        (
            "w.output = tb.simpleResponse({ b: ['x'.repeat(65536)] });",
            "the output is longer than 64 KB",
        ),
        (
            "let c = []; for (let i = 0; i < 70; i++) c = [c]; w.output = tb.simpleResponse({ c \
             });",
            "nested deeper than 64",
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
        "the script is longer than 64 KB"
    );
    let input = Json::String("x".repeat(2 * 1024 * 1024));
    assert_eq!(
        text(scripts.run(FULL_NAME, &input).await).unwrap_err(),
        "the script and its input are longer than 2 MB"
    );
}

#[tokio::test]
async fn a_script_is_checked_without_being_run() {
    let scripts = scripts("errors");
    for right in
        ["function main(w) { throw Error('not yet'); }", "const main = () => w.input.value.a.b;"]
    {
        scripts.check(right).await.unwrap();
    }
    for (wrong, said) in [
        ("function main(w) {\n  foo(;\n}", "line 2: SyntaxError"),
        ("function Main(w) {}", "defines no `function main(workItem)`"),
        ("for (;;);", "runs longer than"),
    ] {
        let answer = scripts.check(wrong).await.unwrap_err().to_string();
        assert!(answer.contains(said), "{answer}");
    }
}
