// What the tests drive pages with: an engine and its driver; and curl.

import { Problem } from "../problem.mjs";
import { enginePrograms, find } from "../program.mjs";
import { canInstall, install } from "./debian.mjs";
import { setUpTool } from "./tool.mjs";

const PACKAGES = {
  chromium: "chromium",
  chromedriver: "chromium-driver",
  curl: "curl",
  firefox: "firefox-esr",
  MiniBrowser: "webkit2gtk-driver",
  WebKitWebDriver: "webkit2gtk-driver",
  Xvfb: "xvfb",
};

/** Firefox's driver, which Debian doesn't have. */
const GECKODRIVER = "0.36.0";

const packagesOf = (names) => [...new Set(names.map((name) => PACKAGES[name]).filter(Boolean))];

/** Installs what is missing of these programs; returns in words what still is, or undefined. */
async function provide(programs) {
  const missing = () => Object.keys(programs()).filter((name) => !programs()[name]);
  if (missing().length === 0) return undefined;
  const packages = packagesOf(missing());
  if (packages.length > 0) await install(...packages);
  // It has no package, but is built from source; for a browser that isn't there, it would be for nothing.
  if (missing().join() === "geckodriver") {
    await setUpTool("geckodriver", "geckodriver", GECKODRIVER, ["--locked", "--debug"]);
  }
  const still = missing();
  if (still.length === 0) return undefined;
  const debian = packagesOf(still).join(" ");
  return `The tests need ${still.join(" and ")} on PATH` + (debian ? ` (Debian: apt-get install ${debian}).` : ".");
}

export async function setUpBrowser() {
  const problem = await provide(() => ({ ...enginePrograms("chromium"), curl: find("curl") }));
  if (problem) throw new Problem(problem);
}

/** Sets up another engine. Returns why its tests have to be skipped, where nothing can be installed; or undefined. */
export async function setUpEngine(engine) {
  const problem = await provide(() => enginePrograms(engine));
  if (problem && canInstall()) throw new Problem(problem);
  return problem;
}
