// Logging out, from wherever that is offered.

import { element } from "./element.js";
import { askWho } from "./start.js";
import { showProblem } from "./state.js";
import { inWords } from "./words.js";

export function watchLogout() {
  for (const id of ["logout", "menu-logout"]) element(id).addEventListener("click", logOut);
}

async function logOut() {
  element("menu").open = false;
  try {
    await Micro.logout();
    location.reload();
  } catch (error) {
    if (element("chat").hidden) askWho(inWords(error));
    else showProblem(error, logOut);
  }
}
