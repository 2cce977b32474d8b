/** The far end of a slow line: serves made-up files, and prints what is asked for. usage: line-server.ts */
import { makeUpFiles, serve, startServer } from '../lib/model/weights/download-server';

void startServer(
  makeUpFiles(),
  (request, response, content) => {
    console.log(`asked ${request.file} ${request.range ?? 'from the start'}`);
    serve(request, response, content);
  },
  'line',
  { host: '0.0.0.0', port: 8000 },
);
