// npm run docs: the reference that is made of doc comments, in target/docs.

import { makeRustReference, makeTypescriptReference } from "./build/reference.mjs";
import { buildSdk } from "./build/sdk.mjs";
import { main } from "./problem.mjs";
import { setUp } from "./setup.mjs";
import { setUpTypedoc } from "./setup/packages.mjs";
import { step } from "./step.mjs";

await main(async () => {
  // Both halves read what it makes.
  await buildSdk(await setUp());
  await step("typedoc", setUpTypedoc);
  await step("reference of TypeScript", makeTypescriptReference);
  await step("reference of Rust", makeRustReference);
});
