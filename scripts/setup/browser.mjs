// What the tests drive pages with: Chromium and its driver; and curl.

import { Problem } from "../problem.mjs";
import { browserPrograms, find } from "../program.mjs";
import { install } from "./debian.mjs";

const PACKAGES = { chromium: "chromium", chromedriver: "chromium-driver", curl: "curl" };

function missing() {
  const programs = { ...browserPrograms(), curl: find("curl") };
  return Object.keys(PACKAGES).filter((name) => !programs[name]);
}

const packagesOf = (names) => names.map((name) => PACKAGES[name]);

export async function setUpBrowser() {
  const wanted = missing();
  if (wanted.length === 0) return;
  await install(...packagesOf(wanted));
  const still = missing();
  if (still.length > 0) {
    const debian = packagesOf(still).join(" ");
    throw new Problem(`The tests need ${still.join(" and ")} on PATH (Debian: apt-get install ${debian}).`);
  }
}
