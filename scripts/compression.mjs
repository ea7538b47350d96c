// The two compressions that browsers take, at their best.

import { brotliCompressSync, constants, deflateRawSync, gzipSync } from "node:zlib";

export const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });

export const gzip = (bytes) => gzipSync(bytes, { level: 9 });

/** Without a header, as `DecompressionStream("deflate-raw")` takes it. */
export const deflate = (bytes) => deflateRawSync(bytes, { level: 9 });
