// What a script finds beside the language, and how its `main` is called. Runs in each context
// before the script.
//
// A script may change every object of the language, so what is used after it has begun is held in
// constants and private fields, which no script reaches.
(() => {
  "use strict";
  const { isArray } = Array;
  const { isFinite } = Number;
  const { stringify } = JSON;
  const { freeze, getPrototypeOf, keys, prototype } = Object;
  const { isWellFormed } = String.prototype;
  const isWhole = isWellFormed.call.bind(isWellFormed);
  const Fault = Error;

  const refuse = (message) => {
    throw new Fault(message);
  };

  // The brand of `tb.simpleResponse`: the text is written when it is called, and what is called
  // later cannot change it.
  let textOf;
  class Response {
    #text;
    constructor(text) {
      this.#text = text;
      freeze(this);
    }
    static {
      textOf = (value) =>
        typeof value === "object" && value !== null && #text in value
          ? value.#text
          : refuse("expected `workItem.output` to be made by `tb.simpleResponse`");
    }
  }
  delete Response.prototype.constructor;

  const isPlain = (value) =>
    isArray(value) || getPrototypeOf(value) === prototype || getPrototypeOf(value) === null;

  // JSON would leave out or turn into null what it cannot write; a value that is lost without a
  // word is a wrong profile.
  const write = (name, values) =>
    stringify(values, function (key, value) {
      let what = typeof value;
      if (!isWhole(key) || (what === "string" && !isWhole(value))) {
        refuse(`\`${name}\` contains half of a surrogate pair`);
      }
      if (what === "string" || what === "boolean") return value;
      if (what === "number") {
        if (isFinite(value)) return value;
        what = "a number that is not finite";
      } else if (value === null) {
        if (this !== values) return value;
        what = "null";
      } else if (what === "object") {
        if (isPlain(value)) return value;
        what = "an object of a class";
      }
      return refuse(
        `\`${name}\`: expected strings, numbers, booleans, plain objects or arrays, found ${what}`,
      );
    });

  const simpleResponse = (attributes) => {
    if (typeof attributes !== "object" || attributes === null || !isPlain(attributes) || isArray(attributes))
      refuse("expected an object of arrays in `tb.simpleResponse`");
    const names = keys(attributes);
    let text = "{";
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const values = attributes[name];
      if (!isWhole(name)) refuse("a name contains half of a surrogate pair");
      if (!isArray(values)) {
        refuse(`\`${name}\`: expected an array, found ${values === null ? "null" : typeof values}`);
      }
      text += `${i === 0 ? "" : ","}${stringify(name)}:${write(name, values)}`;
    }
    return new Response(text + "}");
  };

  Object.defineProperty(globalThis, "tb", { value: freeze({ simpleResponse: freeze(simpleResponse) }) });

  // No randomness, no code made of text, no work for later. Promises stay as what `async` functions
  // answer: the engine is not sound without them. None of them goes on after its first `await`.
  delete Math.random;
  for (const name of ["BigInt", "Function", "Promise", "eval", "queueMicrotask"]) delete globalThis[name];
  delete getPrototypeOf(0n).constructor;
  for (const made of [() => {}, function* () {}, async () => {}, async function* () {}])
    delete getPrototypeOf(made).constructor;

  return (main, runs, value) => {
    if (typeof main !== "function") refuse("the script must define `function main(workItem)`");
    if (!runs) return "{}";
    const workItem = { input: { value }, output: undefined };
    const result = main(workItem);
    if (typeof result?.then === "function") refuse("`main` must not be asynchronous");
    const { output } = workItem;
    if (output === undefined) refuse("`main` must set `workItem.output`");
    return textOf(output);
  };
})();
