// Shows the time the websocket server tells, through the same host and port as the page.
const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const socket = new WebSocket(`${scheme}://${location.host}/ws`);
const cell = document.getElementById('time');

socket.addEventListener('message', ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === 'time') {
    cell.textContent = `${message.time} from ${message.server}`;
  }
});
socket.addEventListener('close', () => {
  cell.textContent = 'no connection';
});
