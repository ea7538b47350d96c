// Parts of the page.

export const element = (id) => document.getElementById(id);

/** A name among other words, whichever way it is written. */
export function isolated(name) {
  const part = document.createElement("bdi");
  part.textContent = name;
  return part;
}

export function spoken(words) {
  const part = document.createElement("span");
  part.className = "unseen";
  part.textContent = words;
  return part;
}

export function shown(sign) {
  const part = document.createElement("span");
  part.setAttribute("aria-hidden", "true");
  part.textContent = sign;
  return part;
}
