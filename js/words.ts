// What the login dialog says. A page gives other words with `Micro.configure({ words })`.

/**
 * In English. `{…}` stands for what the dialog fills in; what begins with a service's name answers that error of its.
 */
export const WORDS = {
  /** The language that these words are in. */
  lang: "en",
  /** For those who hear the page: the button that closes the dialog. */
  close: "Close",
  /** Title and button where one logs in, and the way back there. */
  login: "Log in",
  /** Title where one makes an account, and the way there. */
  signup: "Sign up",
  /** The field for who logs in. */
  user: "E-mail or user name",
  /** The field for the address that a code goes to. */
  email: "E-mail",
  /** The field for the password that one has. */
  secret: "Password",
  /** Behind a password, to see what one types. */
  showSecret: "Show password",
  /** The field for a password that one chooses. */
  newSecret: "New password",
  /** Below it. */
  newSecretHint: "8 characters or more",
  /** The field for what a new user is called. */
  name: "User name (optional)",
  /** Below it. */
  nameHint: "What others see. Without one, that is your address.",
  /** The field for the code from the mail. */
  code: "Code",
  /** The way to another password. */
  forgot: "Forgot your password?",
  /** Before the way to an account. */
  noAccount: "New here?",
  /** Before the way back from there. */
  hasAccount: "Have an account?",
  /** Where the dialog asks for an address. */
  emailHint: "You get a code by e-mail, to show that the address is yours.",
  /** The button that sends a code there. */
  sendCode: "Send code",
  /** The button that sends another. */
  sendAgain: "Send another code",
  /** Once that is done. */
  sentAgain: "Another code is on its way.",
  /** Title where the dialog asks for the code. */
  checkMail: "Check your e-mail",
  /** Below it. The server does not say whose addresses it knows. */
  sent: "If all is well, a code is on its way to {email}. It may take a minute.",
  /** The button that makes the account. */
  createAccount: "Create account",
  /** Title where one has forgotten the password. */
  reset: "New password",
  /** The button that changes it. */
  setSecret: "Set password and log in",
  /** The button that goes one step back. */
  back: "Back",
  /** While the server is asked. */
  busy: "One moment …",
  /** A field is empty. */
  missing: "Please fill this in.",
  /** An address has no @. */
  notAnEmail: "This is not an e-mail address.",
  /** A new password is too short. */
  tooShort: "Use 8 characters or more.",
  /** The server wants one to wait. */
  tooOften: "Too many attempts. Try again in {time}.",
  /** Any other error. */
  failed: "That did not work: {detail}",
  /** There is no answer. */
  "client.Network": "The server can't be reached. Check your connection and try again.",
  /** Who logs in is not known, or not by this password. */
  "auth.WrongCredentials": "The name or the password is wrong.",
  /** Another password: the code from the mail is not it. */
  "auth.WrongCode": "The code is wrong or too old.",
  /** Another password: the server does not take this one. */
  "auth.WeakSecret": "Choose another password: 8 to 256 characters, and not your address.",
  /** A new account: the code from the mail is not it. */
  "signup.WrongCode": "The code is wrong or too old.",
  /** A new account: the server does not take this password. */
  "signup.WeakSecret": "Choose another password: 8 to 256 characters, and not your address.",
  /** A new account: no mail can go to this address. */
  "signup.InvalidEmail": "This is not an e-mail address.",
  /** A new account: another user is called that. */
  "signup.IDTaken": "Somebody has this user name already. Choose another.",
  /** A new account: the server makes none. */
  "signup.Closed": "Nobody can sign up here. Ask the people who run this site.",
};

/** All that it says. */
export type Words = typeof WORDS;
