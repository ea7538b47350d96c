// Query strings, both ways.

/** `params` as a query string: a list as a repeated key, nothing for what is missing. */
export function queryOf(params: object): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one != null) query.append(key, typeof one === "object" ? JSON.stringify(one) : String(one));
    }
  }
  const text = query.toString();
  return text && "?" + text;
}

/** The page's own query string, as an object. It has no prototype: every key is the page's. */
export function pageParams(): Record<string, string> {
  const params = Object.create(null) as Record<string, string>;
  for (const [key, value] of new URLSearchParams(location.search)) params[key] = value;
  return params;
}
