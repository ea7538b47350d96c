// Failures that are told in a line, not with a stack.

/** Something a person has to know or do; the message says what. */
export class Problem extends Error {}

/** Runs a script's main function: a Problem becomes one line on stderr and exit code 1. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    console.error(error instanceof Problem ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
