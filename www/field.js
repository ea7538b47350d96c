// The field for what you write.

import { element } from "./element.js";

const text = element("text");

export function watchField() {
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    // While an input method composes a word, Enter accepts the word. (229 is how Safari says that.)
    const composes = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composes) return;
    event.preventDefault();
    element("composer").requestSubmit();
  });
}

/** As high as what is in it; chat.css says where that ends. */
function fit() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
}

export function writeText(value) {
  text.value = value;
  fit();
}
