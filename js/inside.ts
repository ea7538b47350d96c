// The wasm of `inline.ts`, where a page has imported that.

/**
 * Brings it.
 *
 * @internal
 */
export const inside: { wasm?: () => Response } = {};
