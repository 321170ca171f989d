/** `host:port`, an IPv6 address in brackets: as addresses are written in URLs, contexts and `addressMap`. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
