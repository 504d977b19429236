/** Why TLS has failed, in words: OpenSSL's messages also name its functions and files, and end with a new line. */
export function tlsReason(error: Error): string {
  const { reason } = error as Error & { readonly reason?: unknown };
  return typeof reason === 'string' && reason !== '' ? reason : error.message.trim();
}
