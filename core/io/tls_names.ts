/** Curves by OpenSSL's names, which differ between its versions and functions, to those of TLS. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  x25519: 'X25519',
  x448: 'X448',
};

export function curveName(name: string): string {
  return CURVES[name] ?? name;
}
