// What the login dialog says. A page gives its own with `Micro.configure({ words })`.

/** In English. */
export const WORDS = {
  login: "Log in",
};

/** All that it says. */
export type Words = typeof WORDS;
