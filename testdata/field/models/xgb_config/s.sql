CREATE MODEL m FROM 'config.json';
