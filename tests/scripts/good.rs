//! Scripts that do what they are for.

use super::*;

#[tokio::test]
async fn a4_a_script_answers_what_it_gave_simple_response() {
    let scripts = scripts("good");
    still_works(&scripts, "nothing").await;
    for (value, output) in [
        (r#""a", 'b', `c`"#, r#"{"a":["a","b","c"]}"#),
        ("1, -0, 0.1 + 0.2, 1e21, 5e-324", r#"{"a":[1,0,0.30000000000000004,1e+21,5e-324]}"#),
        ("true, false", r#"{"a":[true,false]}"#),
        ("{ x: null, y: [[]] }, [null]", r#"{"a":[{"x":null,"y":[[]]},[null]]}"#),
        (r#""𝒥 é \u0000 \u2028 \" \\ \n""#, "{\"a\":[\"𝒥 é \\u0000 \u{2028} \\\" \\\\ \\n\"]}"),
        ("'zoë'.toUpperCase(), 'e\\u0301'.normalize()", r#"{"a":["ZOË","é"]}"#),
        ("...[3, 1, 2].sort()", r#"{"a":[1,2,3]}"#),
        ("'a-b'.replace(/(?<x>.)-/u, '$<x>+')", r#"{"a":["a+b"]}"#),
        ("...new Set([1, 1, 2])", r#"{"a":[1,2]}"#),
        ("Math.max(1, 2), JSON.stringify({}), parseInt('7', 10)", r#"{"a":[2,"{}",7]}"#),
        ("", r#"{"a":[]}"#),
    ] {
        assert_eq!(
            text(scripts.run(&answering(value), &jan()).await).as_deref(),
            Ok(output),
            "{value}"
        );
    }
}

#[tokio::test]
async fn a4_a_script_may_be_written_in_several_ways() {
    let scripts = scripts("good");
    for (script, output) in [
        ("function main(w) { w.output = tb.simpleResponse({}); }", "{}"),
        ("const main = (w) => { w.output = tb.simpleResponse({ a: [1] }); };", r#"{"a":[1]}"#),
        (
            "'use strict'; let n = 0; function main(w) { n++; w.output = tb.simpleResponse({ a: \
             [n] }); }",
            r#"{"a":[1]}"#,
        ),
        (
            "function main({ input }) { arguments[0].output = tb.simpleResponse({ a: \
             Object.keys(input.value) }); }",
            r#"{"a":["given_name","family_name"]}"#,
        ),
        (
            "function main(w) { w.input.value.given_name = 'Jo'; w.output = tb.simpleResponse({ \
             a: [w.input.value.given_name] }); return 7; }",
            r#"{"a":["Jo"]}"#,
        ),
        (
            "function main(w) { with (w.input.value) { w.output = tb.simpleResponse({ a: \
             [given_name] }); } }",
            r#"{"a":["Jan"]}"#,
        ),
        (
            "function main(w) { var v = []; w.output = tb.simpleResponse({ a: v }); v.push(1); }",
            r#"{"a":[]}"#,
        ),
        // The only function counts, whatever its name.
        (
            "var n = 1; function getName(w) { w.output = tb.simpleResponse({ a: [n] }); }",
            r#"{"a":[1]}"#,
        ),
        (
            "function help() { return 2; } function main(w) { w.output = tb.simpleResponse({ a: \
             [help()] }); }",
            r#"{"a":[2]}"#,
        ),
        // By category, as scripts of the source system answer.
        (
            "function main(w) { w.output = tb.simpleResponse({ common: { a: [1], b: [] }, c: [2] \
             }); }",
            r#"{"common":{"a":[1],"b":[]},"c":[2]}"#,
        ),
        (
            "var tb; function main(w) { w.output = tb.simpleResponse({ ['__proto__']: [2], \
             constructor: [3], '': [4] }); }",
            r#"{"__proto__":[2],"constructor":[3],"":[4]}"#,
        ),
    ] {
        assert_eq!(text(scripts.run(script, &jan()).await).as_deref(), Ok(output), "{script}");
    }
}

#[tokio::test]
async fn a4_a_whole_profile_goes_in_as_it_is() {
    let scripts = scripts("good");
    let many: Vec<String> =
        (0..200).map(|i| format!(r#""n{i}":["{}"]"#, "é\\u0000x".repeat(120))).collect();
    let profile = json(&format!(
        r#"{{"__proto__":"p","age":12345678901234567890,"attributes":{{{}}}}}"#,
        many.join(",")
    ));
    assert!(profile.to_text().len() > 200 * 1024);
    let script = answering(
        "w.input.value.attributes.n199[0].length, w.input.value.__proto__, w.input.value.age",
    );
    let run = scripts.run(&script, &profile).await.unwrap();
    assert_eq!(Json::Object(run.output).to_text(), r#"{"a":[360,"p",12345678901234567000]}"#);
    let script = answering("JSON.stringify(w.input.value).length > 190000");
    assert_eq!(text(scripts.run(&script, &profile).await).as_deref(), Ok(r#"{"a":[true]}"#));
}

#[tokio::test]
async fn a4_a_script_of_64_kb_runs() {
    let scripts = scripts("good");
    for code in [
        "p = p + 1;\n",
        "  if (p > 'sales') { q.push(p + ' ' + p); }\n",
        "function f() { return p + 1; }\n",
    ] {
        let head = "function main(w) {\nvar p = 1, q = [];\n";
        let tail = "w.output = tb.simpleResponse({ a: [p] }); }";
        let script = format!(
            "{head}{}{tail}",
            code.repeat((64 * 1024 - head.len() - tail.len()) / code.len())
        );
        assert!(scripts.run(&script, &jan()).await.is_ok(), "{code}");
    }
}

#[tokio::test]
async fn a4_the_cost_is_told() {
    let scripts = scripts("good");
    let small = scripts.run(FULL_NAME, &jan()).await.unwrap();
    let large = scripts.run("var x = 'x'.repeat(1e5);".to_owned().as_str(), &jan()).await;
    assert!(large.is_err());
    let large =
        scripts.run(&format!("var x = 'x'.repeat(1e5); {FULL_NAME}"), &jan()).await.unwrap();
    assert!(
        large.memory_bytes > small.memory_bytes + 90_000 && large.memory_bytes < 200_000,
        "{large:?}"
    );
    assert!(small.milliseconds > 0.0 && small.milliseconds < 100.0, "{small:?}");
}

#[tokio::test]
async fn a4_the_same_script_with_the_same_input_has_the_same_output() {
    let scripts = scripts("good");
    let script = answering(
        "Object.getOwnPropertyNames(globalThis).join(), String(Object.getOwnPropertyNames(Math)), \
         (() => { try { null.x } catch (e) { return e.stack } })(), 'b'.localeCompare('a'), \
         (1234.5).toLocaleString()",
    );
    let first = text(scripts.run(&script, &jan()).await);
    assert!(first.is_ok(), "{first:?}");
    for _ in 0..5 {
        assert_eq!(text(scripts.run(&script, &jan()).await), first);
    }
}

#[tokio::test]
async fn a4_no_clock_no_randomness_no_way_out() {
    let scripts = scripts("good");
    for name in [
        "Date",
        "Intl",
        "performance",
        "Proxy",
        "WeakRef",
        "FinalizationRegistry",
        "ArrayBuffer",
        "Uint8Array",
        "Atomics",
        "SharedArrayBuffer",
        "BigInt",
        "Function",
        "Promise",
        "eval",
        "queueMicrotask",
        "setTimeout",
        "fetch",
        "require",
        "process",
        "std",
        "os",
        "console",
        "print",
        "navigator",
        "WebAssembly",
        "Math.random",
        "(() => {}).constructor.constructor",
        "(function* () {}).constructor.constructor",
        "Object.getPrototypeOf(async () => {}).constructor.constructor",
    ] {
        let script = answering(&format!("typeof {name}"));
        let outcome = text(scripts.run(&script, &jan()).await).unwrap();
        let harmless = outcome == r#"{"a":["undefined"]}"# || name.contains("constructor");
        assert!(harmless, "{name}: {outcome}");
    }
    for made in [
        "() => {}",
        "function* () {}",
        "async () => {}",
        "async function* () {}",
        "isNaN",
        "class {}",
    ] {
        let script = answering(&format!("String(({made}).constructor('return 1'))"));
        let outcome = text(scripts.run(&script, &jan()).await);
        // The `constructor` that remains belongs to `Object` or to the iterator; it cannot run text
        // as code.
        assert!(
            outcome.as_deref() != Ok(r#"{"a":["1"]}"#)
                && !format!("{outcome:?}").contains("anonymous"),
            "{made}: {outcome:?}"
        );
    }
}
