import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type ClassLabel, findClass, imageNetClasses } from '../../../lib/model/classes';
import { projectRoot } from '../../../lib/base/paths';

const classes = imageNetClasses();

/** Spread over the whole list, so that one missing or doubled row moves many of them. */
const KNOWN: [number, string, string, string][] = [
  [0, 'n01440764', 'tench', '丁鲷'],
  [1, 'n01443537', 'goldfish', '金鱼'],
  [2, 'n01484850', 'great white shark', '大白鲨'],
  [7, 'n01514668', 'cock', '公鸡'],
  [9, 'n01518878', 'ostrich', '鸵鸟'],
  [22, 'n01614925', 'bald eagle', '白头海雕'],
  [48, 'n01695060', 'Komodo dragon', '科莫多巨蜥'],
  [51, 'n01704323', 'triceratops', '三角龙'],
  [71, 'n01770393', 'scorpion', '蝎子'],
  [84, 'n01806143', 'peacock', '孔雀'],
  [94, 'n01833805', 'hummingbird', '蜂鸟'],
  [100, 'n01860187', 'black swan', '黑天鹅'],
  [105, 'n01882714', 'koala', '考拉'],
  [130, 'n02007558', 'flamingo', '火烈鸟'],
  [134, 'n02012849', 'crane (bird)', '鹤'],
  [145, 'n02056570', 'king penguin', '王企鹅'],
  [148, 'n02071294', 'killer whale', '虎鲸'],
  [151, 'n02085620', 'Chihuahua', '吉娃娃犬'],
  [154, 'n02086079', 'Pekinese', '北京犬'],
  [162, 'n02088364', 'beagle', '比格犬'],
  [187, 'n02094433', 'Yorkshire terrier', '约克夏梗'],
  [207, 'n02099601', 'golden retriever', '金毛寻回犬'],
  [208, 'n02099712', 'Labrador retriever', '拉布拉多寻回犬'],
  [225, 'n02105162', 'malinois', '比利时马里努阿犬'],
  [230, 'n02105855', 'Shetland sheepdog', '喜乐蒂牧羊犬'],
  [232, 'n02106166', 'Border collie', '边境牧羊犬'],
  [235, 'n02106662', 'German shepherd', '德国牧羊犬'],
  [244, 'n02108551', 'Tibetan mastiff', '藏獒'],
  [250, 'n02110185', 'Siberian husky', '西伯利亚哈士奇犬'],
  [258, 'n02111889', 'Samoyed', '萨摩耶犬'],
  [263, 'n02113023', 'Pembroke Welsh corgi', '彭布罗克威尔士柯基犬'],
  [277, 'n02119022', 'red fox', '赤狐'],
  [281, 'n02123045', 'tabby', '虎斑猫'],
  [288, 'n02128385', 'leopard', '豹'],
  [291, 'n02129165', 'lion', '狮子'],
  [292, 'n02129604', 'tiger', '老虎'],
  [293, 'n02130308', 'cheetah', '猎豹'],
  [296, 'n02134084', 'polar bear', '北极熊'],
  [301, 'n02165456', 'ladybug', '瓢虫'],
  [309, 'n02206856', 'bee', '蜜蜂'],
  [323, 'n02279972', 'monarch', '帝王蝶'],
  [340, 'n02391049', 'zebra', '斑马'],
  [366, 'n02480855', 'gorilla', '大猩猩'],
  [376, 'n02489166', 'proboscis monkey', '长鼻猴'],
  [386, 'n02504458', 'African elephant', '非洲象'],
  [387, 'n02509815', 'red panda', '小熊猫'],
  [388, 'n02510455', 'giant panda', '大熊猫'],
  [397, 'n02655020', 'puffer', '河豚'],
  [398, 'n02666196', 'abacus', '算盘'],
  [403, 'n02687172', 'aircraft carrier', '航空母舰'],
  [417, 'n02782093', 'balloon', '热气球'],
  [429, 'n02799071', 'baseball', '棒球'],
  [463, 'n02909870', 'bucket', '水桶'],
  [483, 'n02980441', 'castle', '城堡'],
  [508, 'n03085013', 'computer keyboard', '电脑键盘'],
  [517, 'n03126707', 'crane (machine)', '起重机'],
  [525, 'n03160309', 'dam', '水坝'],
  [543, 'n03255030', 'dumbbell', '哑铃'],
  [555, 'n03345487', 'fire engine', '消防车'],
  [587, 'n03481172', 'hammer', '锤子'],
  [605, 'n03584254', 'iPod', 'iPod播放器'],
  [638, 'n03710637', 'maillot (tights)', '连体紧身衣'],
  [639, 'n03710721', 'maillot (swimsuit)', '连体泳衣'],
  [668, 'n03788195', 'mosque', '清真寺'],
  [701, 'n03888257', 'parachute', '降落伞'],
  [720, 'n03937543', 'pill bottle', '药瓶'],
  [760, 'n04070727', 'refrigerator', '冰箱'],
  [779, 'n04146614', 'school bus', '校车'],
  [805, 'n04254680', 'soccer ball', '足球'],
  [812, 'n04266014', 'space shuttle', '航天飞机'],
  [847, 'n04389033', 'tank', '坦克'],
  [849, 'n04398044', 'teapot', '茶壶'],
  [873, 'n04486054', 'triumphal arch', '凯旋门'],
  [889, 'n04536866', 'violin', '小提琴'],
  [897, 'n04554684', 'washer', '洗衣机'],
  [915, 'n04613696', 'yurt', '蒙古包'],
  [920, 'n06874185', 'traffic light', '交通信号灯'],
  [937, 'n07714990', 'broccoli', '西兰花'],
  [951, 'n07749582', 'lemon', '柠檬'],
  [954, 'n07753592', 'banana', '香蕉'],
  [963, 'n07873807', 'pizza', '披萨'],
  [974, 'n09288635', 'geyser', '间歇泉'],
  [980, 'n09472597', 'volcano', '火山'],
  [987, 'n12144580', 'corn', '玉米'],
  [997, 'n13054560', 'bolete', '牛肝菌'],
  [999, 'n15075141', 'toilet tissue', '卫生纸'],
];

function doubles(names: readonly string[]): string[] {
  return names.filter((name, i) => names.indexOf(name) !== i);
}

test('1000 classes, numbered and sorted as in ILSVRC2012', () => {
  assert.is(classes.length, 1000);
  classes.forEach((label, i) => {
    assert.equal(Object.keys(label), ['index', 'wnid', 'en', 'zh']);
    assert.is(label.index, i);
    assert.match(label.wnid, /^n\d{8}$/);
    if (i > 0) assert.ok(label.wnid > classes[i - 1].wnid, `${label.wnid} follows ${classes[i - 1].wnid}`);
  });
});

test('names are unique, trimmed and in their own language', () => {
  assert.equal(doubles(classes.map((label) => label.zh)), []);
  assert.equal(doubles(classes.map((label) => label.en.toLowerCase())), []);
  for (const { en, zh } of classes) {
    assert.match(en, /^[A-Za-z][A-Za-z' ()-]*$/);
    assert.match(zh, /^(CD|iPod|T)?\p{Script=Han}+(T\p{Script=Han}+)?$/u);
  }
});

test('well-known classes are where the networks have them', () => {
  assert.ok(KNOWN.length >= 60);
  for (const [index, wnid, en, zh] of KNOWN) assert.equal({ ...classes[index] }, { index, wnid, en, zh });
});

test('every labelled photo points at an existing class', () => {
  const manifest = path.join(projectRoot(), 'data', 'photos', 'manifest.json');
  const photos: { file: string; imagenet?: { index: number; wnid: string } }[] = JSON.parse(
    fs.readFileSync(manifest, 'utf8'),
  );
  const labelled = photos.filter((photo) => photo.imagenet);
  assert.ok(labelled.length > 0);
  for (const { file, imagenet } of labelled) assert.is(classes[imagenet!.index]?.wnid, imagenet!.wnid, file);
});

test('the list is loaded once and cannot be changed', () => {
  assert.is(imageNetClasses(), classes);
  assert.throws(() => {
    'use strict';
    (classes[0] as { zh: string }).zh = '鲤鱼';
  }, TypeError);
});

test('findClass takes Chinese and English names, wnid and index', () => {
  for (const query of ['德国牧羊犬', 'German shepherd', ' german SHEPHERD ', 'n02106662', 'N02106662', 235, '235']) {
    assert.is(findClass(query), classes[235], String(query));
  }
  assert.is(findClass(0), classes[0]);
  assert.is(findClass('t恤').index, 610);
  for (const label of classes) {
    assert.is(findClass(label.zh), label);
    assert.is(findClass(label.en), label);
    assert.is(findClass(label.wnid), label);
  }
});

function message(query: string | number, list?: readonly ClassLabel[]): string {
  try {
    findClass(query, list);
  } catch (error) {
    assert.instance(error, RangeError);
    return (error as Error).message;
  }
  return assert.unreachable(`findClass(${query}) found something`) as never;
}

test('findClass names the nearest classes', () => {
  assert.match(message('哈士奇'), /没有名为"哈士奇"的类别；最接近：西伯利亚哈士奇犬/);
  assert.match(message('熊猫'), /最接近：(小熊猫、大熊猫|大熊猫、小熊猫)/);
  assert.match(message('crane'), /最接近：crane \(bird\)、crane \(machine\)/);
  assert.match(message('ostrch'), /最接近：ostrich/);
  assert.match(message('n02106663'), /最接近：n0210666/);
  assert.match(message(''), /没有名为""的类别/);
});

test('findClass refuses numbers that are no index', () => {
  for (const query of [-1, 1000, 2.5, NaN, '1000', '-1']) assert.match(message(query), /0 到 999/, String(query));
});

test("findClass looks through a network's own classes", () => {
  const own = [
    { index: 0, wnid: '', en: 'apple', zh: '苹果' },
    { index: 1, wnid: '', en: 'pear', zh: '梨' },
  ];
  assert.is(findClass('pear', own), own[1]);
  assert.is(findClass(1, own), own[1]);
  assert.match(message('香蕉', own), /可选：苹果、梨/);
  assert.match(message('', own), /没有名为/);
  assert.match(message(2, own), /0 到 1/);
});

test.run();
