// What is used of a module that comes without types.
declare module "react-refresh/runtime" {
  export function injectIntoGlobalHook(window: unknown): void;
  export function register(component: unknown, id: string): void;
  export function performReactRefresh(): unknown;
}
