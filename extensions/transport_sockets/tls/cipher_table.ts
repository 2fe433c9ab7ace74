/** The cipher suites up to TLS 1.2 that Envoy's library knows, in its order, by their two names. */
export interface Cipher {
  /** OpenSSL's name. */
  readonly name: string;
  /** In the RFCs. */
  readonly standardName: string;
  readonly exchange: 'RSA' | 'ECDHE' | 'PSK';
  readonly authentication: 'RSA' | 'ECDSA' | 'PSK';
  readonly encryption: 'AES128' | 'AES256' | 'AES128GCM' | 'AES256GCM' | 'CHACHA20' | '3DES';
  readonly mac: 'SHA1' | 'SHA256' | 'AEAD';
  readonly isOfTls12: boolean;
  /** Only where it is named. */
  readonly isDeprecated: boolean;
}

type Row = readonly [name: string, standardName: string];

const ROWS: readonly Row[] = [
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  ['ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-RSA-CHACHA20-POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-PSK-CHACHA20-POLY1305', 'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-ECDSA-AES128-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
  ['ECDHE-RSA-AES128-SHA', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'],
  ['ECDHE-PSK-AES128-CBC-SHA', 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA'],
  ['ECDHE-ECDSA-AES256-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA'],
  ['ECDHE-RSA-AES256-SHA', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA'],
  ['ECDHE-PSK-AES256-CBC-SHA', 'TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA'],
  ['ECDHE-RSA-AES128-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256'],
  ['AES128-GCM-SHA256', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
  ['AES256-GCM-SHA384', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
  ['AES128-SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA'],
  ['PSK-AES128-CBC-SHA', 'TLS_PSK_WITH_AES_128_CBC_SHA'],
  ['AES256-SHA', 'TLS_RSA_WITH_AES_256_CBC_SHA'],
  ['PSK-AES256-CBC-SHA', 'TLS_PSK_WITH_AES_256_CBC_SHA'],
  ['DES-CBC3-SHA', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'],
];

const DEPRECATED: ReadonlySet<string> = new Set(['ECDHE-RSA-AES128-SHA256', 'DES-CBC3-SHA']);

export const CIPHERS: readonly Cipher[] = ROWS.map(([name, standardName]) => {
  const mac = /GCM|POLY1305/.test(name) ? 'AEAD' : name.endsWith('SHA256') ? 'SHA256' : 'SHA1';
  return {
    name, standardName, mac,
    exchange: name.startsWith('ECDHE-') ? 'ECDHE' : name.startsWith('PSK-') ? 'PSK' : 'RSA',
    authentication: name.includes('ECDSA') ? 'ECDSA' : name.includes('PSK') ? 'PSK' : 'RSA',
    encryption: encryptionOf(name),
    isOfTls12: mac !== 'SHA1',
    isDeprecated: DEPRECATED.has(name),
  };
});

/** Known by name, and always all offered. */
export const TLS13_CIPHERS: ReadonlySet<string> = new Set(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']);

/** Words that stand for several suites. */
export const CIPHER_GROUPS: Readonly<Record<string, (cipher: Cipher) => boolean>> = {
  ALL: () => true,
  HIGH: () => true,
  FIPS: () => true,
  SSLv3: ({ isOfTls12 }) => !isOfTls12,
  TLSv1: ({ isOfTls12 }) => !isOfTls12,
  'TLSv1.2': ({ isOfTls12 }) => isOfTls12,
  kRSA: ({ exchange }) => exchange === 'RSA',
  kECDHE: ({ exchange }) => exchange === 'ECDHE',
  kEECDH: ({ exchange }) => exchange === 'ECDHE',
  kPSK: ({ exchange }) => exchange === 'PSK',
  ECDHE: ({ exchange }) => exchange === 'ECDHE',
  EECDH: ({ exchange }) => exchange === 'ECDHE',
  aRSA: ({ authentication }) => authentication === 'RSA',
  aECDSA: ({ authentication }) => authentication === 'ECDSA',
  ECDSA: ({ authentication }) => authentication === 'ECDSA',
  aPSK: ({ authentication }) => authentication === 'PSK',
  PSK: ({ authentication }) => authentication === 'PSK',
  RSA: ({ exchange, authentication }) => exchange === 'RSA' && authentication === 'RSA',
  '3DES': ({ encryption }) => encryption === '3DES',
  AES128: ({ encryption }) => encryption.startsWith('AES128'),
  AES256: ({ encryption }) => encryption.startsWith('AES256'),
  AES: ({ encryption }) => encryption.startsWith('AES'),
  AESGCM: ({ encryption }) => encryption.endsWith('GCM'),
  CHACHA20: ({ encryption }) => encryption === 'CHACHA20',
  SHA: ({ mac }) => mac === 'SHA1',
  SHA1: ({ mac }) => mac === 'SHA1',
};

function encryptionOf(name: string): Cipher['encryption'] {
  if (name.includes('CHACHA20')) return 'CHACHA20';
  if (name.includes('DES')) return '3DES';
  const bits = name.includes('AES128') ? 'AES128' : 'AES256';
  return name.includes('GCM') ? `${bits}GCM` : bits;
}
