// Values that nobody can mean, and what may become of a call that is given one.

// Runs in the page, before anything else. `ids` are the errors that are documented.
function prepare(ids) {
  const thrown = new Set();
  // What a page throws need not be an error.
  const kinds = [() => new Error("the page's own"), () => Symbol("own"), () => Object.create(null), revoked];
  const fail = () => {
    const error = kinds[thrown.size % kinds.length]();
    thrown.add(error);
    throw error;
  };
  function revoked() {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }
  const TRAPS = Object.getOwnPropertyNames(Reflect).filter((name) => typeof Reflect[name] === "function");
  const traps = Object.fromEntries(TRAPS.map((name) => [name, fail]));
  const getter = (...names) => {
    const object = {};
    for (const name of names) Object.defineProperty(object, name, { get: fail, enumerable: true });
    return object;
  };
  const cyclic = () => {
    const object = { text: "round" };
    return Object.assign(object, { object });
  };
  /** The names of all that the SDK might look for. */
  const NAMES = [
    "chat_id",
    "user_id",
    "after",
    "epoch",
    "seq",
    "text",
    "subject",
    "client_id",
    "api",
    "token",
    "words",
  ];
  const longFunction = () => Object.defineProperty(() => {}, "length", { get: fail });
  let frame;
  const elsewhere = () => {
    frame ??= document.body.appendChild(document.createElement("iframe"));
    return frame.contentWindow;
  };

  const values = {
    undefined: () => undefined,
    null: () => null,
    true: () => true,
    false: () => false,
    0: () => 0,
    "-0": () => -0,
    "-1": () => -1,
    0.5: () => 0.5,
    NaN: () => NaN,
    Infinity: () => Infinity,
    "2 ** 53": () => 2 ** 53,
    "1n": () => 1n,
    "a symbol": () => Symbol("odd"),
    "no text": () => "",
    "a word": () => "odd",
    "half a character": () => "\ud83d",
    "a null byte": () => "\0",
    "lines of a header": () => "a\r\nb: c",
    "a long text": () => "long ".repeat(60_000),
    __proto__: null,
    "a name of Object": () => "__proto__",
    "[]": () => [],
    "a list with holes": () => [, [, 1n]],
    "{}": () => ({}),
    "no prototype": () => Object.create(null),
    "inherits all": () => Object.create({ chat_id: 1, text: 2, seq: 3 }),
    frozen: () => Object.freeze({ chat_id: "odd", text: "odd" }),
    "getters that throw": () => getter(...NAMES),
    "one that throws": () => getter("constructor", "then", "length", "name"),
    "toJSON that throws": () => ({ toJSON: fail }),
    "toJSON that says nothing": () => ({ toJSON() {} }),
    "toString that throws": () => ({ toString: fail, valueOf: fail }),
    "toPrimitive that throws": () => ({ [Symbol.toPrimitive]: fail }),
    "an iterator that throws": () => ({ [Symbol.iterator]: fail }),
    "an object that contains itself": cyclic,
    "a list that contains itself": () => {
      const list = [];
      list.push(list);
      return list;
    },
    "a bigint inside": () => ({ chat_id: [1n], text: { big: 1n } }),
    "a symbol inside": () => ({ chat_id: Symbol("odd"), text: Symbol("odd") }),
    "a proxy that throws": () => new Proxy({}, traps),
    "a function that throws": () => fail,
    "a proxy of a function that throws": () => new Proxy(() => {}, traps),
    "a revoked proxy": revoked,
    "a function": () => () => {},
    "a function of a throwing length": longFunction,
    "a function of two that throws": () => (data, error) => fail(data, error),
    "an async function that throws": () => async () => fail(),
    "a class": () => class Odd {},
    "an instance": () => new (class Odd {})(),
    "a date": () => new Date(NaN),
    "a map": () => new Map([["chat_id", 1]]),
    "an error": () => new Error("odd"),
    "a regular expression": () => /odd/,
    "a buffer": () => new Uint8Array(3),
    "an element": () => document.createElement("p"),
    "the window": () => window,
    "a thenable": () => ({ then: (resolve) => resolve("odd") }),
    "a thenable that throws": () => ({ then: fail }),
    "a promise": () => Promise.resolve({}),
    "a string object": () => new String("odd"),
    "an object of another window": () => new (elsewhere().Object)(),
    "a list of another window": () => new (elsewhere().Array)(),
    "a function of another window": () => new (elsewhere().Function)(),
  };
  delete values.__proto__;

  const faults = [];
  const note = (what, how) => faults.push(`${what}: ${how}`);

  /** Says what is wrong with an error; nothing, where it is documented or the page's own. */
  function wrong(error) {
    if (thrown.has(error)) return undefined;
    try {
      // Whoever touches a proxy that was revoked, or calls a class, is told so by the browser.
      if (error instanceof TypeError && /revoked|[Cc]lass constructor/.test(error.message)) return undefined;
      if (!(error instanceof Error)) return `is no Error: ${String(error)}`;
      if (!ids.includes(error.id) || error.id === "client.Crashed")
        return `${error.id ?? "without an id"}: ${error.stack}`;
      const isWhole =
        typeof error.code === "number" && typeof error.detail === "string" && error.message && error.status;
      return isWhole ? undefined : `${error.id} is not whole`;
    } catch (unreadable) {
      return `can't be read: ${unreadable}`;
    }
  }
  const judge = (what, error) => {
    const how = wrong(error);
    if (how) note(what, how);
  };
  addEventListener("unhandledrejection", (event) => judge("unhandled", event.reason));
  addEventListener("error", (event) => judge("uncaught", event.error));

  const late = (patience) => new Promise((resolve) => setTimeout(resolve, patience, late));
  const isHandle = (result) => typeof result?.send === "function" && typeof result.close === "function";

  /** Takes a step, and waits for what it promises; what becomes a stream has to open or end, and to close. */
  async function attempt(what, step, patience = 60_000) {
    let result;
    try {
      result = step();
      if (result instanceof Promise) result = await Promise.race([result, late(patience)]);
    } catch (error) {
      return judge(what, error);
    }
    if (result === late) return note(what, "never settled");
    if (!isHandle(result)) return;
    result.on("error", (error) => judge(what, error));
    const isSettled = () => result.state === "live" || result.state === "closed";
    for (const end = Date.now() + patience; !isSettled() && Date.now() < end;) {
      await new Promise((go) => setTimeout(go, 20));
    }
    if (!isSettled()) note(what, `still ${result.state}`);
    result.close();
    if (result.state !== "closed") note(what, `closed, and still ${result.state}`);
  }

  let random = 1;
  const below = (count) => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return (random >>> 0) % count;
  };

  /**
   * Calls `calls`, each a function and what it is rightly given: with each odd value at each place, and then `rounds`
   * times with odd values at some places, by chance, but always the same. Resolves to how many calls that were.
   */
  async function attack(calls, seed, rounds) {
    random = seed;
    const steps = [];
    const names = Object.keys(values);
    const call = (name, how, odds) => {
      const [fn, ...right] = calls[name];
      steps.push([
        `${name}(${how})`,
        () => fn(...right.map((value, place) => (odds[place] ? values[odds[place]]() : value))),
      ]);
    };
    for (const name of Object.keys(calls)) {
      for (let place = 0; place < calls[name].length - 1; place++) {
        for (const odd of names) call(name, `${place}: ${odd}`, { [place]: odd });
      }
    }
    for (let round = 0; round < rounds; round++) {
      const name = Object.keys(calls)[below(Object.keys(calls).length)];
      const odds = {};
      for (let place = 0; place < calls[name].length - 1; place++) {
        if (below(2)) odds[place] = names[below(names.length)];
      }
      call(name, JSON.stringify(odds), odds);
    }
    // As many at a time as a page might.
    const next = async () => {
      for (let step = steps.pop(); step; step = steps.pop()) await attempt(...step);
    };
    const { length } = steps;
    await Promise.all(Array.from({ length: 40 }, next));
    // A rejection that nobody handles is told in a task of its own.
    await new Promise((go) => setTimeout(go, 200));
    return length;
  }
  // Made here: browsers tell a page nothing of the errors of a driver's scripts.
  const abandon = () => void Promise.reject(new TypeError("nobody's"));
  window.odd = { attack, attempt, abandon, values, faults, fail };
}

/** Gives a page `odd`: odd values, and what tries them. `ids` are the errors that may come of it. */
export const oddValues = (ids) => `<body><script>(${prepare})(${JSON.stringify(ids)});</script>`;
