import { unknownName } from '../../base/errors';
import { googlenetFile } from './formats/googlenet';
import { googlenetFiles } from './googlenet-files';

/** The files of the downloaded networks: where they lie, how long they are, and what they must hash to. */

/** 可以下载的权值集（weight sets）；`alexnet-2012-full` 是躯干的完整精度。 */
export type NetworkFilesId = 'googlenet' | 'squeezenet' | 'alexnet-2012' | 'alexnet-2012-full' | 'alexnet-2012-head';

export interface WeightFile {
  /** 文件名：缓存里的名字，也是 fetchNetworkFiles 结果的键。 */
  readonly name: string;
  /** 主机上的仓库，"owner/name"。 */
  readonly repository: string;
  /** 完整的提交号：这个地址上的文件不会再变。 */
  readonly commit: string;
  /** 在仓库里的路径。 */
  readonly path: string;
  /** 字节数。 */
  readonly bytes: number;
  /** SHA-256；没有人有它时用 gitBlob。两者必有其一。 */
  readonly sha256?: string;
  /** git 的 blob 标识（对长度与内容取的 SHA-1）。 */
  readonly gitBlob?: string;
  /** 本地文件夹里可能用的别的名字。 */
  readonly otherNames: readonly string[];
}

export interface NetworkFiles {
  readonly id: NetworkFilesId;
  readonly title: string;
  readonly licence: string;
  readonly files: readonly WeightFile[];
}

type Row = readonly [name: string, bytes: number, sha256: string | undefined, gitBlob: string];

const alexnetRepository = {
  repository: 'jiaxiang-wu/quantized-cnn',
  commit: 'd6e5084a54c7a6f1cb63e2b7092fbbb60b49543d',
};
const alexnetLicence = '仓库没有写明许可证（none stated）：由使用者自己下载，课程不再分发';

// prettier-ignore
const trunk: Row[] = [
  ['asmtLst.01.cbn', 12312, '435e825c342c7b28d19a4a49c60d5a82c765c5e4130016687a6f6afda45087c6', '1a33c7e5719d90fdcd3c61d4f61ae1a5dfbb97ce'],
  ['asmtLst.05.cbn', 36888, '5eb2a3d86328b69817b51ccb485676dc3c5c2e01bf63302a515b7e1f388aa3df', '9a530c20a3146806914f0fa5f2ad72e83d1fdb1f'],
  ['asmtLst.09.cbn', 98328, '6f0bee00845084b9ca4257181421dfc39e44aea37714cac447594e38c3f52510', '7a50d0e2b595588667f7dc8e27be3c9f1ca87ba5'],
  ['asmtLst.11.cbn', 73752, 'e6fc146ee21ab92bf29bc567ce2543d914fe4ba4b1ac25922060572972573fa8', '7a10e7def04b18e65ae08271bbf56d099bddc350'],
  ['asmtLst.13.cbn', 49176, '0db6924e4770ca80cada2bc28690eaf4e8770cc7a08c3dd5bc58e3b4b103da18', 'dbd5e373f0d20aa057488b6f9f3a55ace6635ec1'],
  ['biasVec.01.bin', 392, '742480ebee593516d75bb3cb5954a99bff4305e2add4508442060cfb3caf5ce2', 'a053ea0623be9839578e47b3f1516d1355883c63'],
  ['biasVec.05.bin', 1032, '4956560b0baffc0153170791b9182769c32262d4b011b24ad5c275cd0f0fb3c8', '972c7e267e0bde5419f7d33e0bb88d445439feeb'],
  ['biasVec.09.bin', 1544, '6537fe616004000061259cff891e6f806a58e26c5a6152c6a7eaa18c5fe0a19b', 'd1112555bac71d30656a8427b227ff9082a6b817'],
  ['biasVec.11.bin', 1544, '19f68429ac9ca7ff9ca61f1f2ad41bcbe3aec124f40e82fe0c165c058baaea49', 'dea0d9be8d4fa0a8a1ddb8a25fc035639fbfa7dd'],
  ['biasVec.13.bin', 1032, 'c57320e8dc9aa57f5441b4de7f5b03f84af659326419c9e4926626dfd42c72df', '859df795f33a3da66e826db5828744fc21247cf3'],
  ['ctrdLst.01.bin', 4112, 'a803a585bb0c5421707e9fb45989eeb661efcda476d8276ddef3f43535ad239e', '536e001da8b3bdfd22d041d0c651962f0950a9d5'],
  ['ctrdLst.05.bin', 24592, 'd2e0c891acfb2822df12eaea950a76367237720306c2a67cc0a5c6b625570041', '6ff56988d86e56694d97470d60a064aca14dbcda'],
  ['ctrdLst.09.bin', 131088, 'ddf053c34598d542b574571949f44c1e8e2303d4697245a0e5a8626e9af0b06d', '4075e0934f81026494c895c23d251ea63befb036'],
  ['ctrdLst.11.bin', 98320, '0bd801f9051bb29571ccddb77f5e051691aaeeade11f8c425befadba6ec96d5f', '4a3e6e2f262c8e1daac882c13043f5ab9e3ab72d'],
  ['ctrdLst.13.bin', 98320, '325b815d0b3d2e2978c4228c111df10208f3f380ca6e67b9a3a51464ef590ad0', '4298295a97f9c15eb27b2d653f5da6c3d67a98ad'],
];

// All convolutions in full precision, and a part of what lies behind them. Nobody has the SHA-256: see full-precision.ts.
// prettier-ignore
const full: Row[] = [
  ['group1-shard1of59', 4194304, undefined, 'ccd06cc971ec617f8a4ff5c02583ed4b36154747'],
  ['group1-shard2of59', 4194304, undefined, 'a4bab0ce162233db65ef5dcb864309e39fe0544e'],
  ['group1-shard3of59', 4194304, undefined, '3853fa1e61adae73017d6f77e7948ff6eea2bb36'],
];

// The first one's length follows from its centroids: 4096 x 2304 numbers of 5 bits in blocks of 4096 bytes.
// prettier-ignore
const head: Row[] = [
  ['asmtLst.16.cbn', 5902352, undefined, '9b8c08662e27478918254cc561d70a448399fc5f'],
  ['asmtLst.19.cbn', 2625552, 'de9d94f36c03ca3b562e168b1268248d4394067e71c6db9c5db689164f4697da', 'fde495a829b92fcc9c723b9df2550da2a0c0f3ae'],
  ['asmtLst.22.cbn', 2048016, 'd5b1365ad1d7ffb40d4782d02d2be66999fd446a2e64f788c99b87fc1a66ae9d', '9806f5f988c53d989ac5334dd1df375077a97bfe'],
  ['biasVec.16.bin', 16392, '87462dbe62a25a02ed0df000b361eb3abb60b30171d7d1c37b50d9da45ed06bc', 'f875aa64e5ab34efb598d0be964d3b09840f0bb5'],
  ['biasVec.19.bin', 16392, '9fd3a7e8d550094dc9f75ccc55da426bfd47a3df385c7bb9674bbceceefa60a3', 'd776ee72650b1a68d19516a9ad0588d8461cbbcc'],
  ['biasVec.22.bin', 4008, '5c7cb1014d5feec124a7a99a432c4881a7325e633d55d588df269a512721ef54', 'cbab6de1aee19c47ce27b0974299fbe481641420'],
  ['ctrdLst.16.bin', 1179664, '5d0edfedf7c266a6f8379ead4a0ecaf1320b3ef6fb47a2fc0048358577a2873f', '196dce4b06797c0043ea46cc7bb0e6854b2a3522'],
  ['ctrdLst.19.bin', 524304, 'c4dd1039c5bd2a25b169f7c48b6420425c1616fb4da213e8e5626939ae42d10a', '1f876d7ee6e5e970650b204e0c147c774dcff4ad'],
  ['ctrdLst.22.bin', 262160, '5f50cf0ee6f4d7da55cc1051355bae445b5dc193569895cec2695af27a7016c2', '0807bc485631192babbf7f2bf33eb82e2dd6118a'],
];

const layerFile = ([name, bytes, sha256, gitBlob]: Row): WeightFile => {
  const full = `bvlc_alexnet_aCaF.${name}`;
  const path = `AlexNet/Bin.Files/${full}`;
  return { name: full, ...alexnetRepository, path, bytes, sha256, gitBlob, otherNames: [`alexnet/${full}`] };
};

export const networkFiles: Readonly<Record<NetworkFilesId, NetworkFiles>> = {
  googlenet: {
    id: 'googlenet',
    title: 'GoogLeNet',
    licence: 'BVLC 发布，使用不受限制（unrestricted use）；取得它的仓库是 MIT 许可',
    files: googlenetFiles.map(([path, bytes, sha256]) => ({
      name: googlenetFile(path),
      repository: 'chaosmail/caffejs',
      commit: 'd161d610145d6ce1ee4b9e44b10de780e8ecec2d',
      path: `models/bvlc_googlenet/weights/${path}`,
      bytes,
      sha256,
      otherNames: [`googlenet/${path}`],
    })),
  },
  squeezenet: {
    id: 'squeezenet',
    title: 'SqueezeNet v1.0',
    licence: 'BSD-2-Clause（没有写明权利人）',
    files: [
      {
        name: 'compressed_SqueezeNet.net',
        repository: 'songhan/SqueezeNet_compressed',
        commit: 'fb13faa2cf121ced9999f8a9d538ec6c56084733',
        path: 'compressed_SqueezeNet.net',
        bytes: 675763,
        sha256: 'e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261',
        gitBlob: 'b28ec20a342c1f0dd7f0c148be60df1192ff8036',
        otherNames: ['SqueezeNet-v1.0.net'],
      },
    ],
  },
  'alexnet-2012': {
    id: 'alexnet-2012',
    title: 'AlexNet 2012 的躯干 conv1–pool5（trunk）',
    licence: alexnetLicence,
    files: trunk.map(layerFile),
  },
  'alexnet-2012-full': {
    id: 'alexnet-2012-full',
    title: 'AlexNet 2012 的躯干，完整精度（full precision）',
    licence: 'BVLC 发布，使用不受限制（unrestricted use）；取得它的仓库是 Apache-2.0 许可',
    files: full.map(([name, bytes, sha256, gitBlob]) => ({
      name: `bvlc_alexnet_full.${name}`,
      repository: 'tensorspace-team/tensorspace',
      commit: 'eec8a46524fd3fb4c9f9fba804fa81d592637534',
      path: `examples/alexnet/alexnet/${name}`,
      bytes,
      sha256,
      gitBlob,
      otherNames: [`alexnet-2012-full/${name}`, name],
    })),
  },
  'alexnet-2012-head': {
    id: 'alexnet-2012-head',
    title: 'AlexNet 2012 的分类头 fc6–fc8（head）',
    licence: alexnetLicence,
    files: head.map(layerFile),
  },
};

export function lookUpFiles(id: NetworkFilesId): NetworkFiles {
  if (!Object.hasOwn(networkFiles, id)) throw unknownName('权值集', id, Object.keys(networkFiles));
  return networkFiles[id];
}
