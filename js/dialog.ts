// The login dialog. It stands in an element of its own and leaves the page as it was, also when it is gone.

import type { Host } from "./account.js";
import type { MicroError } from "./error.js";
import type { Keeper } from "./keeper.js";
import { STYLE } from "./style.js";
import { WORDS, type Words } from "./words.js";

/** A field of a step. */
interface Field {
  name: "id" | "email" | "secret" | "code" | "user_id";
  label: keyof Words;
  hint?: keyof Words;
  type?: "email" | "password";
  autocomplete: string;
  /** May stay empty. */
  isOptional?: boolean;
  /** A password that is to be a new one. */
  isNew?: boolean;
}

/** A button beside the one that goes on, with what stands before it. */
type Way = { before?: keyof Words; label: keyof Words; go: () => unknown };

/** What the dialog shows at a time. */
interface Step {
  title: keyof Words;
  lead?: keyof Words;
  fields: Field[];
  /** What the button says that goes on. */
  action: keyof Words;
  submit: () => Promise<void>;
  ways: Way[];
}

type Values = Record<Field["name"], string>;

/** What the words of an error are about: this field then has the focus. */
const ABOUT: Record<string, Field["name"]> = {
  WrongCredentials: "secret",
  WrongCode: "code",
  WeakSecret: "secret",
  InvalidEmail: "email",
  IDTaken: "user_id",
};

const SHORTEST_SECRET = 8;

const KEYS = ["keydown", "keypress", "keyup"];

/** Makes an element: its properties, its attributes where there is no property, and what is in it. */
function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A cross, as its outline: a letter would be read out. */
function cross(): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const image = document.createElementNS(namespace, "svg");
  const line = document.createElementNS(namespace, "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", "aria-hidden": "true" })) {
    image.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries({
    d: "M2 2l12 12M14 2L2 14",
    stroke: "currentColor",
    "stroke-width": "2",
    "stroke-linecap": "round",
  })) {
    line.setAttribute(name, value);
  }
  image.append(line);
  return image;
}

/** Opens the dialog; resolves once somebody is logged in, rejects when it is closed before. */
export function openDialog(host: Host, keeper: Keeper, mayJoin: boolean): Promise<void> {
  const words: Words = { ...WORDS, ...host.words };
  const { namespace } = host;
  const element = document.createElement("micro-chat-login");
  const root = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  // The page's shortcuts are not meant for who types a password.
  for (const type of KEYS) element.addEventListener(type, (event) => event.stopPropagation());

  const title = make("h2", { id: "title" });
  const close = make("button", { type: "button", class: "close", "aria-label": words.close }, cross());
  const form = make("form", { novalidate: "" });
  const dialog = make(
    "dialog",
    { "aria-labelledby": "title", lang: words.lang, dir: "auto" },
    make("header", {}, title, close),
    form,
  );
  root.append(dialog);

  // What was typed in one step is there in the next.
  const values: Values = { id: "", email: "", secret: "", code: "", user_id: "" };
  let current: Step;
  let isBusy = false;
  let isDone = false;

  const fill = (text: string, filling: Record<string, string>) =>
    text.replace(/\{(\w+)\}/g, (all, key: string) => filling[key] ?? all);

  // Who has closed it wants no login.
  const isOpen = () => dialog.open && dialog.isConnected;
  const logIn = (id: string) => {
    const { secret } = values;
    return keeper.enter(isOpen, (how) => host.ask("auth/Auth/Token", { id, secret, options: { namespace }, ...how }));
  };
  const sendCode = () => host.ask("signup/sendVerificationEmail", { email: values.email, namespace });
  const sendReset = () => host.ask("auth/Auth/SendPasswordResetEmail", { email: values.email, namespace });
  const again = (send: () => Promise<unknown>) => () =>
    attempt(async () => {
      await send();
      say("status", words.sentAgain);
    });

  const email: Field = { name: "email", label: "email", type: "email", autocomplete: "username" };
  const code: Field = { name: "code", label: "code", autocomplete: "one-time-code" };
  const newSecret: Field = {
    name: "secret",
    label: "newSecret",
    hint: "newSecretHint",
    type: "password",
    autocomplete: "new-password",
    isNew: true,
  };

  const steps: Record<"login" | "join" | "verify" | "forgot" | "reset", Step> = {
    login: {
      title: "login",
      fields: [
        { name: "id", label: "user", autocomplete: "username" },
        { name: "secret", label: "secret", type: "password", autocomplete: "current-password" },
      ],
      action: "login",
      submit: () => logIn(values.id),
      ways: [
        { label: "forgot", go: () => show("forgot") },
        ...(mayJoin ? [{ before: "noAccount", label: "signup", go: () => show("join") } as const] : []),
      ],
    },
    join: {
      title: "signup",
      lead: "emailHint",
      fields: [email],
      action: "sendCode",
      submit: async () => {
        await sendCode();
        show("verify");
      },
      ways: [{ before: "hasAccount", label: "login", go: () => show("login") }],
    },
    verify: {
      title: "checkMail",
      lead: "sent",
      fields: [
        code,
        newSecret,
        { name: "user_id", label: "name", hint: "nameHint", autocomplete: "nickname", isOptional: true },
      ],
      action: "createAccount",
      submit: () => {
        const { email, secret, code, user_id } = values;
        const account = { email, secret, token: code, namespace, ...(user_id && { id: user_id }) };
        return keeper.enter(
          isOpen,
          (how) => host.ask("signup/completeSignup", { ...account, ...how }),
          (how) => host.ask("auth/Auth/Token", { id: email, secret, options: { namespace }, ...how }),
        );
      },
      ways: [
        { label: "sendAgain", go: again(sendCode) },
        { label: "back", go: () => show("join") },
      ],
    },
    forgot: {
      title: "reset",
      lead: "emailHint",
      fields: [email],
      action: "sendCode",
      submit: async () => {
        await sendReset();
        show("reset");
      },
      ways: [{ label: "back", go: () => show("login") }],
    },
    reset: {
      title: "checkMail",
      lead: "sent",
      fields: [code, newSecret],
      action: "setSecret",
      submit: async () => {
        const { email, code, secret } = values;
        await host.ask("auth/Auth/ResetPassword", { email, token: code, secret, namespace });
        await logIn(email);
      },
      ways: [
        { label: "sendAgain", go: again(sendReset) },
        { label: "back", go: () => show("forgot") },
      ],
    },
  };

  /** Shows a step, and puts the focus where one begins to type. */
  function show(name: keyof typeof steps): void {
    current = steps[name];
    title.textContent = words[current.title];
    if (name === "forgot" && values.id.includes("@")) values.email ||= values.id;
    values.secret = values.code = "";
    const main = make("button", { class: "main" }, words[current.action]);
    const ways = current.ways.map(({ before, label, go }) => {
      const button = make("button", { type: "button" }, words[label]);
      button.addEventListener("click", () => isBusy || go());
      return before ? make("div", {}, make("span", {}, words[before]), " ", button) : button;
    });
    const lead = current.lead && make("p", { class: "lead" }, fill(words[current.lead], { email: values.email }));
    form.replaceChildren(
      ...(lead ? [lead] : []),
      ...hiddenUser(),
      ...current.fields.map(inputOf),
      make("p", { role: "alert", id: "alert" }),
      make("p", { role: "status" }),
      main,
      make("div", { class: "ways" }, ...ways),
    );
    form.querySelector<HTMLInputElement>("input:not([hidden])")?.focus();
  }

  /** Tells password managers whose password it is, where nobody types that. */
  function hiddenUser(): HTMLElement[] {
    if (!current.fields.some(({ isNew }) => isNew)) return [];
    const input = make("input", { autocomplete: "username", hidden: "", readonly: "", tabindex: "-1" });
    input.value = values.email;
    return [input];
  }

  function inputOf({ name, label, hint, type, autocomplete, isOptional }: Field): HTMLElement {
    const input = make("input", {
      id: name,
      name,
      type: type ?? "text",
      autocomplete,
      autocapitalize: "none",
      spellcheck: "false",
      ...(name === "code" && { inputmode: "numeric", class: "code" }),
      ...(!isOptional && { required: "" }),
      ...(hint && { "aria-describedby": `${name}-hint` }),
    });
    input.value = values[name];
    input.addEventListener("input", () => {
      values[name] = input.value;
      input.removeAttribute("aria-invalid");
    });
    const field = make("div", { class: "field" }, make("label", { for: name }, words[label]), input);
    if (hint) field.append(make("p", { class: "hint", id: `${name}-hint` }, words[hint]));
    if (type === "password") {
      const check = make("input", { type: "checkbox" });
      check.addEventListener("change", () => (input.type = check.checked ? "text" : "password"));
      field.append(make("label", { class: "check" }, check, words.showSecret));
    }
    return field;
  }

  function say(role: "alert" | "status", text: string): void {
    for (const one of ["alert", "status"]) {
      form.querySelector(`[role="${one}"]`)!.textContent = one === role ? text : "";
    }
  }

  /** Says what is wrong with a field, or with all of it. */
  function complain(text: string, name?: Field["name"]): void {
    say("alert", text);
    const input = name && form.querySelector<HTMLInputElement>(`#${name}`);
    if (!input) return;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", "alert");
    input.focus();
    input.select();
  }

  /** What is wrong with what was typed, as far as that can be known here. */
  function fault(): [text: string, name: Field["name"]] | undefined {
    for (const { name, type, isOptional, isNew } of current.fields) {
      if (name !== "secret") values[name] = values[name].trim();
      const value = values[name];
      if (!value && !isOptional) return [words.missing, name];
      if (type === "email" && !/^\S+@\S+$/.test(value)) return [words.notAnEmail, name];
      if (isNew && [...value].length < SHORTEST_SECRET) return [words.tooShort, name];
    }
    return undefined;
  }

  /** Does one thing at a time, and says why it failed. */
  async function attempt(work: () => Promise<unknown>): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    const main = form.querySelector(".main")!;
    main.setAttribute("aria-disabled", "true");
    say("status", words.busy);
    try {
      await work();
      if (main.isConnected && form.querySelector('[role="status"]')!.textContent === words.busy) say("status", "");
    } catch (error) {
      tell(error as MicroError);
    } finally {
      isBusy = false;
      main.removeAttribute("aria-disabled");
    }
  }

  function tell({ id, code, detail, retry_after }: MicroError): void {
    if (code === 429) return complain(fill(words.tooOften, { time: timeOf(retry_after ?? 60_000) }));
    const known = (words as Record<string, string | undefined>)[id];
    const about = ABOUT[id.slice(id.lastIndexOf(".") + 1)];
    complain(known ?? fill(words.failed, { detail }), about);
  }

  /** So many milliseconds in words. */
  function timeOf(milliseconds: number): string {
    const seconds = Math.ceil(milliseconds / 1000);
    const [unit, count] = seconds > 90 ? ["minute", Math.ceil(seconds / 60)] : ["second", seconds];
    return new Intl.NumberFormat(words.lang, {
      style: "unit",
      unit,
      unitDisplay: "long",
    } as Intl.NumberFormatOptions).format(count as number);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = fault();
    if (wrong) complain(...wrong);
    else void attempt(current.submit);
  });
  close.addEventListener("click", () => dialog.close());

  return new Promise<void>((resolve, reject) => {
    // Also when another tab was faster.
    keeper.onenter = () => {
      isDone = true;
      dialog.close();
    };
    const end = () => {
      keeper.onenter = undefined;
      watch.disconnect();
      element.remove();
      if (isDone) resolve();
      else reject(host.clientError("LoginCancelled", "The user closed the login."));
    };
    // A page that builds itself anew may take it away, and that is no event.
    const watch = new MutationObserver(() => element.isConnected || end());
    watch.observe(document, { childList: true, subtree: true });
    dialog.addEventListener("close", end);
    (document.body ?? document.documentElement).append(element);
    dialog.showModal();
    show("login");
  });
}
