// How the login dialog looks. A page changes it by custom properties of the element `micro-chat-login`.

export const STYLE = `
:host { all: initial !important; display: block !important; }
dialog {
  --accent: var(--micro-accent, #0b57d0);
  --accent-text: var(--micro-accent-text, #fff);
  --background: var(--micro-background, #fff);
  --text: var(--micro-text, #1d1d21);
  --muted: var(--micro-muted, #5d5d66);
  --border: var(--micro-border, #8e8e99);
  --danger: var(--micro-danger, #b3261e);
  --radius: var(--micro-radius, 12px);
  box-sizing: border-box;
  width: min(25em, 100vw - 2em);
  max-height: calc(100dvh - 2em);
  margin: auto;
  padding: 1.75em;
  overflow: auto;
  overscroll-behavior: contain;
  border: 1px solid transparent;
  border-radius: var(--radius);
  background: var(--background);
  box-shadow: 0 1em 3em rgb(0 0 0 / 0.3);
  color: var(--text);
  color-scheme: light;
  font: 1em/1.45 var(--micro-font, system-ui, sans-serif);
}
dialog::backdrop { background: rgb(15 15 20 / 0.55); }
header { display: flex; align-items: start; justify-content: space-between; gap: 1em; }
h2 { margin: 0; font-size: 1.375em; line-height: 1.25; text-wrap: balance; }
p { margin: 0; }
form { display: grid; gap: 1.125em; margin: 1.25em 0 0; }
.lead { color: var(--muted); overflow-wrap: anywhere; }
.field { display: grid; gap: 0.375em; }
label { font-weight: 600; }
.hint { color: var(--muted); font-size: 0.875em; }
input {
  box-sizing: border-box;
  width: 100%;
  min-height: 2.75em;
  margin: 0;
  padding: 0 0.75em;
  border: 1px solid var(--border);
  border-radius: calc(var(--radius) * 2 / 3);
  background: transparent;
  color: inherit;
  font: inherit;
}
input[aria-invalid] { border-color: var(--danger); }
.code { font-variant-numeric: tabular-nums; letter-spacing: 0.2em; }
.check { display: flex; align-items: center; gap: 0.5em; font-weight: 400; }
.check input { width: 1.125em; min-height: 1.125em; height: 1.125em; accent-color: var(--accent); }
[role="alert"] { color: var(--danger); }
[role="alert"]:empty, [role="status"]:empty { display: none; }
button {
  min-height: 2.75em;
  margin: 0;
  padding: 0 1em;
  border: 1px solid transparent;
  border-radius: calc(var(--radius) * 2 / 3);
  background: none;
  color: var(--accent);
  font: inherit;
  cursor: pointer;
}
button:hover { text-decoration: underline; }
.main { background: var(--accent); color: var(--accent-text); font-weight: 600; }
.main:hover { text-decoration: none; filter: brightness(1.1); }
.main[aria-disabled] { opacity: 0.6; cursor: progress; filter: none; }
.ways { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0 1em; }
.ways span { color: var(--muted); }
.ways button { min-height: 2.5em; padding: 0 0.25em; }
.ways > button:first-child, .ways span + button { margin-left: calc(-0.25em - 1px); }
.close {
  flex: none;
  display: grid;
  place-items: center;
  width: 2.75em;
  margin: -0.5em -0.75em -0.5em 0;
  padding: 0;
  color: var(--muted);
}
.close svg { width: 1.125em; height: 1.125em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
input[aria-invalid]:focus-visible { outline-color: var(--danger); }
@media (prefers-color-scheme: dark) {
  dialog {
    --accent: var(--micro-accent, #a8c7fa);
    --accent-text: var(--micro-accent-text, #062e6f);
    --background: var(--micro-background, #1e1f24);
    --text: var(--micro-text, #e7e7ec);
    --muted: var(--micro-muted, #a9a9b4);
    --border: var(--micro-border, #6e6e7a);
    --danger: var(--micro-danger, #f2b8b5);
    border-color: rgb(255 255 255 / 0.12);
    color-scheme: dark;
  }
}
@media (max-width: 30em) {
  dialog { padding: 1.25em; }
}
`;
