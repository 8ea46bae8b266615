// Removes secrets from a text that another program has written: a proxy may answer with the request that it got.

const HIDDEN = '***';

/** `text` without any of the secrets. One that is shorter than four characters would hide every second word: it is kept. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
}
