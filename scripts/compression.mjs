// The two compressions that browsers take, at their best.

import { brotliCompressSync, constants, gzipSync } from "node:zlib";

export const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });

export const gzip = (bytes) => gzipSync(bytes, { level: 9 });
