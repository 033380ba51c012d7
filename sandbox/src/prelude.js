// The globals that a script has besides the language, and the call of its `main`. Runs in each
// context before the script.
//
// A script may change every object of the language, so what is used after it has begun is held in
// constants and private fields, which no script reaches.
(() => {
  "use strict";
  const { isArray } = Array;
  const { isFinite } = Number;
  const { stringify } = JSON;
  const { freeze, getOwnPropertyNames, getPrototypeOf, keys, prototype } = Object;
  const { isWellFormed } = String.prototype;
  const isWhole = isWellFormed.call.bind(isWellFormed);
  const Fault = Error;

  const refuse = (message) => {
    throw new Fault(message);
  };

  // The brand of `tb.simpleResponse`: the text is written when it is called, and later calls cannot
  // change it.
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
    return new Response(members(attributes, ""));
  };

  // Names with arrays; or categories with such names, as scripts of the source system answer.
  const members = (object, category) => {
    const names = keys(object);
    let text = "{";
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const values = object[name];
      if (!isWhole(name)) refuse("a name contains half of a surrogate pair");
      const place = category + name;
      let written;
      if (isArray(values)) {
        written = write(place, values);
      } else if (category === "" && typeof values === "object" && values !== null && isPlain(values)) {
        written = members(values, `${name}.`);
      } else {
        refuse(`\`${place}\`: expected an array, found ${values === null ? "null" : typeof values}`);
      }
      text += `${i === 0 ? "" : ","}${stringify(name)}:${written}`;
    }
    return text + "}";
  };

  Object.defineProperty(globalThis, "tb", { value: freeze({ simpleResponse: freeze(simpleResponse) }) });

  // No randomness, no code made of text, no work for later. Promises stay as the results of `async`
  // functions, because the engine is not sound without them. No `async` function continues after
  // its first `await`.
  delete Math.random;
  for (const name of ["BigInt", "Function", "Promise", "eval", "queueMicrotask"]) delete globalThis[name];
  delete getPrototypeOf(0n).constructor;
  for (const made of [() => {}, function* () {}, async () => {}, async function* () {}])
    delete getPrototypeOf(made).constructor;

  const known = getOwnPropertyNames(globalThis);
  const isKnown = (name) => {
    for (let i = 0; i < known.length; i++) if (known[i] === name) return true;
    return false;
  };

  // The function that the script declares: `main`, or else the only one.
  const declared = (main) => {
    if (typeof main === "function") return ["main", main];
    const names = getOwnPropertyNames(globalThis);
    let found;
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (isKnown(name) || typeof globalThis[name] !== "function") continue;
      if (found !== undefined) return undefined;
      found = [name, globalThis[name]];
    }
    return found;
  };

  return (main, runs, value) => {
    const found = declared(main);
    if (found === undefined) {
      refuse("the script must define `function main(workItem)`, or one function of another name");
    }
    if (!runs) return "{}";
    const name = found[0];
    const run = found[1];
    const workItem = { input: { value }, output: undefined };
    const result = run(workItem);
    if (typeof result?.then === "function") refuse(`\`${name}\` must not be asynchronous`);
    const { output } = workItem;
    if (output === undefined) refuse(`\`${name}\` must set \`workItem.output\``);
    return textOf(output);
  };
})();
