console.log('bundle: later');
