import type { WeightFile } from './catalogue';

export interface EmbeddedNetwork {
  /** SHA-256 of the list of weights, as JSON: [name, shape, type] of each, in the order of their bytes. */
  readonly manifest: string;
  /** The files of the weights, in the order of their bytes. */
  readonly shards: readonly Pick<WeightFile, 'name' | 'bytes' | 'sha256'>[];
}

export const embeddedNetworks = {
  alexnet: {
    manifest: 'd0e3843efca411b627c7f697cc297bab9860f36f1b6605a0c387d8b971d9d9ac',
    shards: [
      {
        name: 'group1-shard1of2.bin',
        bytes: 4194304,
        sha256: 'cce5a494df7dcd79557d0a7192e74c14eae99ba22dfa3322ddb6f3e4e05c030d',
      },
      {
        name: 'group1-shard2of2.bin',
        bytes: 745088,
        sha256: '30c05003f02c53976438f002be5a226ec55a4725951109e5e2443820a526fc2a',
      },
    ],
  },
  'efficientnet-lite0': {
    manifest: '2170faeb47a07503dda0c2027f3ec25d82e28c2521019530bcfd6a7a61cf18fe',
    shards: [
      {
        name: 'group1-shard1of3.bin',
        bytes: 4194304,
        sha256: '3c40b9974557b88619bb1e19f5e7c389d8b5b975f3cdbdb8e43418b6974b9e07',
      },
      {
        name: 'group1-shard2of3.bin',
        bytes: 4194304,
        sha256: '558f17bd82230e53bc2e78323160c843f66e176e807e7d5c04f82ed3928df222',
      },
      {
        name: 'group1-shard3of3.bin',
        bytes: 873392,
        sha256: 'fa27634c3e2efbeaca291ccf78d4793f7f206d73cfd59c68cb125cd497bf605f',
      },
    ],
  },
} satisfies Readonly<Record<string, EmbeddedNetwork>>;

/** 随课程附带的网络（embedded networks），在 data/models。 */
export type EmbeddedId = keyof typeof embeddedNetworks;
