/** npm run doctor: one screen on what is here, what is missing, and the one command that would make it better. */
import { examine } from './doctor/examine.mjs';
import { parseOptions } from './setup/options.mjs';
import { Report } from './setup/report.mjs';

let report = new Report();
try {
  const options = parseOptions(process.argv.slice(2), ['--lang']);
  report = new Report(options);
  const findings = await examine();
  const t = ({ zh, en }) => report.text(zh, en);
  for (const { mark, label, text } of findings) {
    const line = `${mark} ${t(label)}  ${t(text)}`;
    report.say(line, line);
  }
  const advice = findings.filter((finding) => finding.advice);
  if (advice.length > 0) report.say('\n可以更好：', '\nCould be better:');
  for (const { advice: better } of advice) report.say(`  ${better.zh}`, `  ${better.en}`);
  if (findings.every(({ mark }) => mark !== '✗')) report.say('\n开始：npm start', '\nBegin: npm start');
  else process.exitCode = 1;
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
