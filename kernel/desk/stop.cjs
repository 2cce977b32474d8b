'use strict';
/** Stops a main thread that does not listen: its JavaScript, and the children that it waits for. */
const fs = require('fs');
const inspector = require('inspector');

/** What this process has started, and what that has started (a shell waits for its command): where the system tells. */
function descendants(pid) {
  try {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => fs.readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    const children = lists.flatMap((list) => list.split(' ').filter(Boolean));
    return children.flatMap((child) => [...descendants(child), Number(child)]);
  } catch {
    // not Linux, or a process that has just ended
    return [];
  }
}

/** As the terminal would send it; who does not listen is asked once more, in another word. */
function stopChildren(times) {
  for (const pid of descendants(process.pid)) {
    try {
      process.kill(pid, times < 4 ? 'SIGINT' : 'SIGTERM');
    } catch {
      // it has just ended
    }
  }
}

/** Ends the JavaScript that the main thread is running, whatever it is. */
async function terminateMain() {
  const session = new inspector.Session();
  session.connectToMainThread();
  // JavaScript can be ended, a thread that waits for a child (execSync) cannot: the child is asked to end
  let times = 0;
  // two seconds of SIGINT, which lets a program tidy up, then SIGTERM
  const waiting = setInterval(() => stopChildren(times++), 500);
  await new Promise((resolve) => session.post('Runtime.terminateExecution', resolve));
  clearInterval(waiting);
  session.disconnect();
}

module.exports = { terminateMain };
