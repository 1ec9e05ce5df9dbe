/** Whether the body of a reply is HTML: a registry sends none, but a portal or proxy on the way does. */
export function isWebPage(body: Buffer): boolean {
  const start = body.subarray(0, 1000).toString('latin1');
  return /^(\u00ef\u00bb\u00bf)?\s*<(!doctype\s+html|html|head|body)\b/i.test(start);
}

/** What to do about a web page in place of a registry's reply. */
export function webPageHint(registry: string): string {
  return `a web page came, which no registry sends: where a network shows a login page first (a captive portal), log in there; else see what proxy lies on the way to ${registry}`;
}
