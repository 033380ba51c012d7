//! Scripts that mean harm: each ends in time, with a failure or with an output that harms nobody
//! but its author.

use std::time::{Duration, SystemTime};

use super::*;

/// The outcome of a script.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is stopped for its time, by the engine or with its process.
    Time,
    /// It runs out of memory.
    Memory,
    /// It runs out of stack.
    Stack,
    /// It fails on its own.
    Error,
    /// It has an output.
    Output,
    /// Any of these: which of its limits it meets first depends on how the engine was built.
    Any,
}

use Fate::{Any, Error, Memory, Output, Stack, Time};

/// Twice the limit and more: the machine that runs tests is busy.
const PATIENCE: Duration = Duration::from_secs(3);

#[expect(
    clippy::disallowed_methods,
    reason = "how long a process takes is measured with the system's clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Runs each body as `main` and compares; the next good job has to succeed each time.
async fn endure(bodies: &[(&str, Fate)]) {
    let scripts = scripts("hostile");
    for (body, fate) in bodies {
        let script =
            if body.contains("function main") { (*body).to_owned() } else { main_of(body) };
        let start = now();
        let outcome = scripts.run(&script, &jan()).await;
        let elapsed = start.elapsed().unwrap_or_default();
        let found = match &outcome {
            Ok(_) => Output,
            Err(ScriptFailure::TimedOut { .. }) => Time,
            Err(ScriptFailure::OutOfMemory { .. }) => Memory,
            Err(ScriptFailure::StackOverflow { .. }) => Stack,
            Err(ScriptFailure::Script { .. } | ScriptFailure::Output(_)) => Error,
            Err(
                failure @ (ScriptFailure::Crashed
                | ScriptFailure::Busy
                | ScriptFailure::Unavailable),
            ) => {
                panic!("{body}: {failure}")
            }
        };
        assert!(found == *fate || *fate == Any, "{body}: {outcome:?}");
        assert!(elapsed < PATIENCE, "{body}: {elapsed:?}");
        still_works(&scripts, body).await;
    }
}

#[tokio::test]
async fn a4_endless_loops_end() {
    endure(&[
        ("for (;;);", Time),
        ("a: for (;;) { b: for (;;) { continue a; } }", Time),
        ("do {} while (true);", Time),
        ("try { for (;;); } catch (e) {} finally { for (;;); }", Time),
        ("for (;;) { try { main(w); } catch (e) {} }", Time),
        ("w.output = tb.simpleResponse({}); for (;;);", Time),
        ("for (;;);\nfunction main(w) {}", Time),
        ("Object.defineProperty(w, 'output', { get() { for (;;); } });", Time),
        ("throw { toString() { for (;;); } };", Time),
        ("throw { get [Symbol.toPrimitive]() { for (;;); } };", Time),
        (
            "const e = Error(); Object.defineProperty(e, 'message', { get() { for (;;); } }); \
             throw e;",
            Time,
        ),
        (
            "const e = Error(); Object.defineProperty(e, 'stack', { get() { for (;;); } }); throw \
             e;",
            Time,
        ),
        ("Error.prepareStackTrace = () => { for (;;); }; null.x;", Time),
        ("tb.simpleResponse({ a: [{ toJSON() { for (;;); } }] });", Time),
        ("tb.simpleResponse({ get a() { for (;;); } });", Time),
        ("Array.prototype.toJSON = () => { for (;;); }; tb.simpleResponse({ a: [1] });", Time),
        ("String({ valueOf() { for (;;); }, toString: null });", Time),
        ("[2, 1].sort(() => { for (;;); });", Time),
        ("'a'.replace('a', () => { for (;;); });", Time),
        ("'a'.replace(/a/g, () => { for (;;); });", Time),
        ("JSON.parse('[1]', () => { for (;;); });", Time),
        ("JSON.stringify({}, () => { for (;;); });", Time),
        ("Array.from({ length: 1 }, () => { for (;;); });", Time),
        ("const g = (function* () { for (;;) yield 1; })(); for (const x of g);", Time),
        ("const o = { *[Symbol.iterator]() { for (;;) yield; } }; new Set(o);", Time),
        ("(async () => { for (;;); })();", Time),
        ("return { get then() { for (;;); } };", Time),
        ("with ({ get x() { for (;;); } }) x;", Time),
        ("class A { static { for (;;); } }", Time),
        ("const m = new Map([[1, 1]]); for (const [k] of m) { m.delete(k); m.set(k, 1); }", Time),
    ])
    .await;
}

#[tokio::test]
async fn a4_catastrophic_patterns_end() {
    endure(&[
        ("/^(a+)+$/.test('a'.repeat(40) + 'b');", Time),
        ("/^(?:a|a)*$/.test('a'.repeat(50) + 'b');", Time),
        ("/(x+x+)+y/.test('x'.repeat(60));", Time),
        ("'a'.repeat(200000).replace(/a*?b/g, '');", Time),
        ("new RegExp('(?:a{0,1000}){0,1000}b').test('a'.repeat(5000));", Time),
        ("/(a*)*b/.test('a'.repeat(100000));", Memory),
        ("new RegExp('('.repeat(60000));", Error),
        ("new RegExp('(?:'.repeat(60000));", Any),
    ])
    .await;
}

#[tokio::test]
async fn a4_depth_ends() {
    endure(&[
        ("main(w);", Stack),
        ("const f = () => f(); f();", Stack),
        ("const o = { toString() { return '' + o; } }; String(o);", Stack),
        ("const o = { get x() { return this.x; } }; o.x;", Stack),
        ("JSON.parse('['.repeat(100000));", Stack),
        (
            "let a = []; for (let i = 0; i < 3000; i++) a = [a]; w.output = tb.simpleResponse({ a \
             });",
            Any,
        ),
        ("let a = []; for (let i = 0; i < 3000; i++) a = [a]; String(a);", Any),
        ("let a = []; for (let i = 0; i < 3000; i++) a = [a]; a.flat(Infinity);", Any),
        ("let f = () => 1; for (let i = 0; i < 3000; i++) f = f.bind(); f();", Any),
        ("let f = () => 1; for (let i = 0; i < 3000; i++) f = f.bind(); w instanceof f;", Any),
        ("let o = {}; for (let i = 0; i < 3000; i++) o = Object.create(o); o.x;", Any),
        ("class A { constructor() { new A(); } } new A();", Stack),
        ("Error.stackTraceLimit = 1e9; main(w);", Stack),
        ("try { main(w); } catch (e) { w.output = tb.simpleResponse({}); }", Any),
    ])
    .await;
    let nested = [
        "(",
        "[",
        "{",
        "`${",
        "a=>",
        "-",
        "!",
        "if(1)",
        "x(",
        "{let a;",
        "new ",
        "async()=>",
        "class{[",
        "l:",
    ];
    let scripts = scripts("hostile");
    for text in nested {
        let script = text.repeat(60000 / text.len());
        let failure = scripts.run(&script, &jan()).await.unwrap_err();
        assert!(
            !matches!(failure, ScriptFailure::Crashed | ScriptFailure::Unavailable),
            "{text}: {failure:?}"
        );
        still_works(&scripts, text).await;
    }
}

#[tokio::test]
async fn a4_memory_ends() {
    endure(&[
        ("const a = []; for (;;) a.push({});", Memory),
        ("globalThis.a = []; for (;;) a.push({});", Memory),
        ("const a = []; for (;;) a.push(a.slice());", Memory),
        ("let a = [1]; for (;;) a = a.concat(a);", Memory),
        ("let a = [1]; for (;;) a.push(...a);", Any),
        ("let s = 'x'; for (;;) s += s;", Error),
        (
            "let s = 'x'; for (let i = 0; i < 29; i++) s += s; w.output = tb.simpleResponse({ a: \
             [s] });",
            Memory,
        ),
        ("'x'.repeat(2 ** 29);", Memory),
        ("'x'.repeat(2 ** 30);", Any),
        ("'x'.padStart(2 ** 29);", Memory),
        ("Array(2 ** 32 - 1).fill(1);", Memory),
        ("Array.from({ length: 2 ** 32 - 1 });", Memory),
        ("[...Array(2 ** 32 - 1)];", Memory),
        ("const o = {}; for (let i = 0; ; i++) o['k' + i] = i;", Memory),
        ("const m = new Map(); for (let i = 0; ; i++) m.set(i, i);", Memory),
        ("for (let i = 0; ; i++) Symbol.for('s' + i);", Any),
        ("const f = []; for (;;) f.push(() => f);", Memory),
        (
            "const g = []; for (;;) { const x = (function* () { yield g; })(); x.next(); \
             g.push(x); }",
            Memory,
        ),
        ("for (;;) try { globalThis.a = [globalThis.a, 'x'.repeat(1000)]; } catch (e) {}", Time),
        (
            "const o = {}; for (let i = 0; i < 20000; i++) o['k' + i] = [i]; w.output = \
             tb.simpleResponse(o);",
            Memory,
        ),
        (
            "const o = {}; for (let i = 0; i < 3000; i++) o['key number ' + i] = ['value']; \
             w.output = tb.simpleResponse(o);",
            Any,
        ),
        ("w.output = tb.simpleResponse({ a: Array(2 ** 32 - 1) });", Error),
    ])
    .await;
}

/// Native calls of `QuickJS` that do not check the interrupt handler. Only the process limits them.
#[tokio::test]
async fn a4_native_calls_that_nothing_interrupts_end() {
    const HUGE: [&str; 15] = [
        "Array.prototype.indexOf.call(o, 1)",
        "Array.prototype.join.call(o, '')",
        "Array.prototype.reverse.call(o)",
        "Array.prototype.shift.call(o)",
        "Array.prototype.copyWithin.call(o, 0, 1)",
        "Array.prototype.splice.call(o, 0, 1)",
        "Array.prototype.flat.call(o)",
        "[].concat(Object.assign(o, { [Symbol.isConcatSpreadable]: true }))",
        "Array.prototype.sort.call(o)",
        "Array(2 ** 32 - 1).join('')",
        "String.raw({ raw: o })",
        "Array.prototype.values.call(o).drop(2 ** 53 - 1).next()",
        "Math.sumPrecise(Array.prototype.keys.call(o))",
        "'a'.repeat(240000).indexOf('a'.repeat(120000) + 'b')",
        "'a'.repeat(240000).replaceAll('a'.repeat(120000) + 'b', '')",
    ];
    let bodies: Vec<String> =
        HUGE.iter().map(|call| format!("const o = {{ length: 2 ** 53 - 1 }}; {call};")).collect();
    let bodies: Vec<(&str, Fate)> = bodies.iter().map(|body| (body.as_str(), Time)).collect();
    endure(&bodies).await;
    endure(&[
        ("let x = 3n ** 400000n; for (;;) x * x;", Any),
        ("String(7n ** 1000000n);", Any),
        ("'\\u0344'.repeat(100000).normalize('NFD');", Any),
    ])
    .await;
}

#[tokio::test]
async fn a4_changing_the_language_changes_nothing_but_the_scripts_own_output() {
    let scripts = scripts("hostile");
    let good = "w.output = tb.simpleResponse({ a: ['x', 1] });";
    for change in [
        "Object.prototype.evil = [1];",
        "Object.defineProperty(Object.prototype, 'output', { set() { throw 1; }, get() { return \
         1; } });",
        "Object.defineProperty(Object.prototype, 'input', { get() { throw 1; } });",
        "Object.prototype.then = 7;",
        "Array.prototype[Symbol.iterator] = () => { throw 1; };",
        "Array.prototype[0] = 'evil'; Object.prototype[0] = 'evil';",
        "JSON.stringify = () => '{\"evil\":[1]}'; JSON = null;",
        "Object.keys = () => ['evil']; Array.isArray = () => true; Number.isFinite = () => true;",
        "Error = TypeError = function () { for (;;); };",
        "Object.getPrototypeOf = Object.freeze = () => { throw 1; };",
        "try { tb = 1; } catch (e) {} try { tb.simpleResponse = 1; } catch (e) {} delete \
         globalThis.tb; delete tb.simpleResponse;",
        "Object.freeze(Object.prototype); Object.freeze(Array.prototype); \
         Object.freeze(globalThis);",
        "Object.setPrototypeOf(globalThis, null); Object.setPrototypeOf(Array.prototype, null);",
        "Object.prototype.__proto__; Object.setPrototypeOf(w, { output: 1 });",
        "String.prototype.isWellFormed = String.prototype.toString = Number.prototype.valueOf = \
         () => { throw 1; };",
        "const f = Object.getPrototypeOf(isNaN); f.call = f.apply = f.bind = null;",
        "Object.getPrototypeOf(tb.simpleResponse({})).text = 1; try { \
         Object.setPrototypeOf(tb.simpleResponse, null); } catch (e) {}",
    ] {
        let outcome = text(scripts.run(&main_of(&format!("{change}\n{good}")), &jan()).await);
        assert_eq!(outcome.as_deref(), Ok(r#"{"a":["x",1]}"#), "{change}");
        still_works(&scripts, change).await;
    }
    for (change, failure) in [
        ("Array.prototype.toJSON = () => 'evil';", "`a`: expected an array, found a string"),
        ("Object.preventExtensions(w); delete w.output;", "must set `workItem.output`"),
        ("Object.freeze(w);", "must set `workItem.output`"),
    ] {
        let outcome =
            text(scripts.run(&main_of(&format!("{change}\n{good}")), &jan()).await).unwrap_err();
        assert!(outcome.contains(failure), "{change}: {outcome}");
        still_works(&scripts, change).await;
    }
}

#[tokio::test]
async fn a4_nothing_goes_from_one_script_to_the_next() {
    let scripts = scripts("hostile");
    let leave = main_of(
        "globalThis.left = 1; Object.prototype.left = 1; Array.prototype.left = 1; tb.left = 1; \
         Symbol.for('left').left = 1; w.output = tb.simpleResponse({});",
    );
    let find = answering("typeof left, typeof [].left, typeof tb.left, typeof ({}).left");
    for _ in 0..3 {
        assert_eq!(text(scripts.run(&leave, &jan()).await).as_deref(), Ok("{}"));
        let found = text(scripts.run(&find, &jan()).await);
        assert_eq!(
            found.as_deref(),
            Ok(r#"{"a":["undefined","undefined","undefined","undefined"]}"#)
        );
    }
}
