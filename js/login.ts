// The entry of what only a login needs: `micro.js` loads it when a page's user logs in, or was when the last page
// ended.

import type { Host, Login } from "./account.js";
import { openDialog } from "./dialog.js";
import type { MicroError } from "./error.js";
import { createKeeper, isHopeless } from "./keeper.js";

/** The login of a page. */
export function createLogin(host: Host): Login {
  const keeper = createKeeper(host);
  let opened: Promise<void> | undefined;

  async function open(mayJoin: boolean): Promise<void> {
    try {
      // An earlier page, or another one of this site, may have left a login that was not noted here.
      await keeper.token();
    } catch (error) {
      if (!isHopeless(error as MicroError)) throw error;
      await openDialog(host, keeper, mayJoin);
    }
  }

  return {
    get user() {
      return keeper.user;
    },
    token: keeper.token,
    // Whoever asks meanwhile waits for the same dialog.
    open: (mayJoin) => (opened ??= open(mayJoin).finally(() => (opened = undefined))),
    logout: keeper.leave,
  };
}
